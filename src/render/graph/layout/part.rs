//! One part that hangs together: its places and the ways of its arrows.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::layers::{Layered, Way, layered};
use super::order::order;
use super::place::heights;
use super::{Arrow, CHANNEL, GAP, i32_of};

/// What a bend takes of its layer.
const BEND: i32 = 4;
/// Between arrows that lead from one band to the next.
const LANE: i32 = 6;
/// A part that is so many times wider than high is folded, if the folded arrows are few.
const LONG: i32 = 4;
const LANES: i32 = 12;

/// A part, from its own left upper corner.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) width: i32,
    pub(super) height: i32,
    /// Each item with its left upper corner.
    pub(super) items: Vec<(usize, i32, i32)>,
    pub(super) arrows: Vec<Lead>,
}

/// An arrow, step by step.
#[derive(Debug)]
pub(super) struct Lead {
    from: usize,
    to: usize,
    steps: Vec<Step>,
    backwards: bool,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Move(i32, i32),
    Line(i32, i32),
    /// To there, level at both ends.
    Curve(i32, i32),
    /// A corner and where the way goes on from it.
    Corner(i32, i32, i32, i32),
}

impl Lead {
    /// The arrow of a part that stands there.
    pub(super) fn at(&self, left: i32, top: i32) -> Arrow {
        let mut path = String::new();
        let mut before = (0, 0);
        for &step in &self.steps {
            let lead = if path.is_empty() { "" } else { " " };
            let (x, y) = match step {
                Step::Move(x, y) | Step::Line(x, y) | Step::Curve(x, y) | Step::Corner(_, _, x, y) => {
                    (x + left, y + top)
                }
            };
            let written = match step {
                Step::Move(..) => write!(path, "{lead}M{x} {y}"),
                Step::Line(..) => write!(path, "{lead}L{x} {y}"),
                Step::Curve(..) => {
                    let half = before.0 + (x - before.0) / 2;
                    write!(path, "{lead}C{half} {} {half} {y} {x} {y}", before.1)
                }
                Step::Corner(over_x, over_y, ..) => write!(path, "{lead}Q{} {} {x} {y}", over_x + left, over_y + top),
            };
            written.expect("a string can be written to");
            before = (x, y);
        }
        Arrow { from: self.from, to: self.to, path, backwards: self.backwards }
    }
}

/// A layer's place: its left side, its width, and its band.
#[derive(Debug, Clone, Copy)]
struct Column {
    x: i32,
    width: i32,
    band: usize,
}

struct Places<'a> {
    made: &'a Layered,
    sizes: &'a [(i32, i32)],
    columns: Vec<Column>,
    /// The middle of each vertex, bands and all.
    middle: Vec<i32>,
    /// Where each band ends, and the way between it and the next begins.
    floors: Vec<i32>,
    /// What a band is wide at most.
    width: i32,
    /// The lane of each vertex whose arrows leave its band.
    lanes: HashMap<usize, i32>,
    /// How much room the lanes of one fold take.
    margin: i32,
}

/// Lays a part out; `members` are the names of its items, `edges` by their places among them.
pub(super) fn lay_out(members: &[usize], sizes: &[(i32, i32)], edges: &[(usize, usize)]) -> Part {
    let mut made = layered(sizes.len(), edges);
    order(&mut made);
    let height = |vertex: usize| sizes.get(vertex).map_or(BEND, |size| size.1);
    let heights = heights(&made, |one, other| f64::from(height(one) + height(other)) / 2.0 + f64::from(GAP));
    let top =
        (0..heights.len()).map(|vertex| heights[vertex] - f64::from(height(vertex)) / 2.0).fold(f64::MAX, f64::min);
    #[expect(clippy::cast_possible_truncation, reason = "a drawing is some thousand points high")]
    let middle: Vec<i32> = heights.iter().map(|height| (height - top).round() as i32).collect();
    let high = (0..middle.len()).map(|vertex| middle[vertex] + (height(vertex) + 1) / 2).max().unwrap_or(0);
    let places = Places::new(&made, sizes, middle, high);
    let items = members.iter().enumerate().map(|(at, &item)| {
        let column = places.columns[made.vertices[at].layer];
        (item, column.x, places.middle[at] - sizes[at].1 / 2)
    });
    Part {
        width: places.right(),
        height: places.floors.last().copied().unwrap_or(0),
        items: items.collect(),
        arrows: made.ways.iter().map(|way| places.lead(way, members)).collect(),
    }
}

impl<'a> Places<'a> {
    fn new(made: &'a Layered, sizes: &'a [(i32, i32)], mut middle: Vec<i32>, high: i32) -> Self {
        let widest = |layer: &Vec<usize>| {
            layer.iter().filter_map(|&vertex| sizes.get(vertex)).map(|size| size.0).max().unwrap_or(0)
        };
        let widths: Vec<i32> = made.layers.iter().map(widest).collect();
        let all = widths.iter().map(|width| width + CHANNEL).sum::<i32>() - CHANNEL;
        let mut columns = columns(&widths, widest_band(all, high));
        let mut lanes = lanes(made, &columns);
        let most = |lanes: &HashMap<usize, i32>| lanes.values().max().map_or(0, |last| last + 1);
        if most(&lanes) > LANES || made.ways.iter().any(|way| crosses_without_bends(made, way)) {
            columns = self::columns(&widths, i32::MAX);
            lanes.clear();
        }
        let bands = columns.last().map_or(0, |column| column.band + 1);
        let margin = most(&lanes) * LANE;
        let pitch = high + 2 * GAP + margin;
        if bands > 1 {
            for column in &mut columns {
                column.x += CHANNEL / 2 + margin;
            }
        }
        for (vertex, middle) in middle.iter_mut().enumerate() {
            *middle += i32_of(columns[made.vertices[vertex].layer].band) * pitch;
        }
        let floors = (0..bands).map(|band| i32_of(band) * pitch + high).collect();
        let width = columns.iter().map(|column| column.x + column.width).max().unwrap_or(0);
        Self { made, sizes, columns, middle, floors, width, lanes, margin }
    }

    fn right(&self) -> i32 {
        let folded = self.floors.len() > 1;
        self.width + if folded { CHANNEL / 2 + self.margin } else { 0 }
    }

    fn column(&self, vertex: usize) -> Column {
        self.columns[self.made.vertices[vertex].layer]
    }

    fn lead(&self, way: &Way, members: &[usize]) -> Lead {
        let (first, last) = (way.vertices[0], *way.vertices.last().expect("two ends"));
        let begin = self.column(first).x + self.sizes[first].0;
        let mut steps = vec![Step::Move(begin, self.middle[first])];
        for pair in way.vertices.windows(2) {
            let (here, there) = (self.column(pair[0]), self.column(pair[1]));
            let (y, next) = (self.middle[pair[0]], self.middle[pair[1]]);
            let edge = here.x + here.width;
            steps.push(Step::Line(edge, y));
            if here.band == there.band {
                steps.push(if y == next { Step::Line(there.x, next) } else { Step::Curve(there.x, next) });
            } else {
                self.fold(&mut steps, pair[0], (there.x, next));
            }
        }
        // The head of an arrow needs its room.
        if let (false, Some(Step::Line(x, _) | Step::Curve(x, _))) = (way.backwards, steps.last_mut()) {
            *x -= 2;
        }
        let (from, to) = way.edge;
        debug_assert!(last != first, "an item does not require itself");
        Lead { from: members[from], to: members[to], steps, backwards: way.backwards }
    }

    /// Right of the band, below it, and left of the next.
    fn fold(&self, steps: &mut Vec<Step>, from: usize, (x, y): (i32, i32)) {
        let lane = self.lanes.get(&from).copied().unwrap_or(0) * LANE;
        let start = self.middle[from];
        let (right, left) = (self.width + CHANNEL / 4 + lane, x - CHANNEL / 4 - lane);
        let below = self.floors[self.column(from).band] + GAP + lane;
        let round = 5;
        steps.push(Step::Line(right - round, start));
        steps.push(Step::Corner(right, start, right, start + round));
        steps.push(Step::Line(right, below - round));
        steps.push(Step::Corner(right, below, right - round, below));
        steps.push(Step::Line(left + round, below));
        steps.push(Step::Corner(left, below, left, below + round));
        steps.push(Step::Line(left, y - round));
        steps.push(Step::Corner(left, y, left + round, y));
        steps.push(Step::Line(x, y));
    }
}

/// How wide a band may be.
fn widest_band(all: i32, high: i32) -> i32 {
    if all <= LONG * high.max(200) {
        return i32::MAX;
    }
    // So that all bands together are about half as wide again as high.
    #[expect(clippy::cast_possible_truncation, reason = "a drawing is some thousand points wide")]
    let width = (f64::from(all) * f64::from(high + 3 * GAP) * 1.6).sqrt() as i32;
    width.max(600)
}

fn columns(widths: &[i32], most: i32) -> Vec<Column> {
    let (mut x, mut band) = (0, 0);
    let mut columns = Vec::new();
    for &width in widths {
        if x > 0 && x + width > most {
            (x, band) = (0, band + 1);
        }
        columns.push(Column { x, width, band });
        x += width + CHANNEL;
    }
    columns
}

fn lanes(made: &Layered, columns: &[Column]) -> HashMap<usize, i32> {
    let mut lanes = HashMap::new();
    for (at, layer) in made.layers.iter().enumerate() {
        if columns.get(at + 1).is_some_and(|next| next.band != columns[at].band) {
            lanes.extend(layer.iter().copied().filter(|&vertex| !made.behind[vertex].is_empty()).zip(0..));
        }
    }
    lanes
}

fn crosses_without_bends(made: &Layered, way: &Way) -> bool {
    way.vertices.windows(2).any(|pair| made.vertices[pair[1]].layer - made.vertices[pair[0]].layer > 1)
}
