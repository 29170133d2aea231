//! Where each resource of a drawing stands and how the arrows lead: layers from left to right, what is required first.
//!
//! The same graph gives the same drawing. Resources with the same neighbours are drawn as one block with one arrow, what has
//! no neighbours stands in a block by itself, long chains are folded into bands, and parts that have nothing to do with
//! each other stand side by side.

mod layers;
mod order;
mod part;
mod place;

use std::collections::{BTreeMap, BTreeSet};

use part::Part;

/// The height of a resource.
pub(super) const HEIGHT: i32 = 40;
/// Between what stands above each other.
const GAP: i32 = 12;
/// Between layers: the room of the arrows.
const CHANNEL: i32 = 64;
/// Between a block's frame and what is in it.
const PADDING: i32 = 10;
/// Between parts.
const APART: i32 = 40;
/// Resources with the same neighbours become a block from here on.
const BLOCK: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rectangle {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// An arrow, from one item to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The data of an SVG path.
    pub(super) path: String,
    /// Whether it points to where the path begins: only what goes round in a circle leads backwards.
    pub(super) backwards: bool,
}

/// A drawing. Items are blocks and single resources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Drawing {
    pub(super) width: i32,
    pub(super) height: i32,
    /// Where each resource is.
    pub(super) nodes: Vec<Rectangle>,
    /// The item each resource belongs to.
    pub(super) items: Vec<usize>,
    /// The frames of blocks whose members have neighbours.
    pub(super) frames: Vec<Rectangle>,
    pub(super) arrows: Vec<Arrow>,
}

/// Resources drawn as one thing: a column or a grid of them.
#[derive(Debug)]
struct Item {
    members: Vec<usize>,
    columns: usize,
    cell: i32,
    framed: bool,
}

impl Item {
    fn new(members: Vec<usize>, widths: &[i32], framed: bool) -> Self {
        let cell = members.iter().map(|&node| widths[node]).max().unwrap_or(0);
        // About as wide as high.
        let mut columns = 1;
        while columns * columns * usize_of(cell + GAP) < members.len() * usize_of(HEIGHT + GAP) {
            columns += 1;
        }
        Self { columns, cell, framed: framed && members.len() > 1, members }
    }

    fn rows(&self) -> usize {
        self.members.len().div_ceil(self.columns)
    }

    fn padding(&self) -> i32 {
        if self.framed { PADDING } else { 0 }
    }

    fn width(&self) -> i32 {
        i32_of(self.columns) * (self.cell + GAP) - GAP + 2 * self.padding()
    }

    fn height(&self) -> i32 {
        i32_of(self.rows()) * (HEIGHT + GAP) - GAP + 2 * self.padding()
    }

    /// Column by column.
    fn cells(&self, x: i32, y: i32) -> impl Iterator<Item = (usize, Rectangle)> {
        let (rows, padding) = (self.rows(), self.padding());
        self.members.iter().enumerate().map(move |(at, &node)| {
            let (column, row) = (i32_of(at / rows), i32_of(at % rows));
            let (x, y) = (x + padding + column * (self.cell + GAP), y + padding + row * (HEIGHT + GAP));
            (node, Rectangle { x, y, width: self.cell, height: HEIGHT })
        })
    }
}

fn usize_of(length: i32) -> usize {
    usize::try_from(length).unwrap_or(0)
}

fn i32_of(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Lays out resources of these widths.
pub(super) fn draw(widths: &[i32], edges: &[(usize, usize)]) -> Drawing {
    let (items, edges) = items(widths, edges);
    let mut drawing = Drawing { nodes: vec![Rectangle::default(); widths.len()], ..Drawing::default() };
    drawing.items = vec![0; widths.len()];
    for (at, item) in items.iter().enumerate() {
        for &node in &item.members {
            drawing.items[node] = at;
        }
    }
    let mut parts: Vec<Part> = components(items.len(), &edges)
        .into_iter()
        .map(|(members, edges)| {
            let sizes: Vec<_> = members.iter().map(|&item| (items[item].width(), items[item].height())).collect();
            part::lay_out(&members, &sizes, &edges)
        })
        .collect();
    // What is loose comes last; else the highest first, so that shelves fill up.
    let is_loose = |part: &Part| part.arrows.is_empty();
    parts.sort_by_key(|part| (is_loose(part), -part.height));
    let area: f64 = parts.iter().map(|part| f64::from(part.width + APART) * f64::from(part.height + APART)).sum();
    #[expect(clippy::cast_possible_truncation, reason = "a drawing is some thousand points wide")]
    let most = parts.iter().map(|part| part.width).max().unwrap_or(0).max((area * 1.6).sqrt() as i32);
    let (mut x, mut y, mut shelf) = (0, 0, 0);
    for part in &parts {
        if x > 0 && (x + part.width > most) {
            (x, y, shelf) = (0, y + shelf + APART, 0);
        }
        for &(item, left, top) in &part.items {
            let (left, top) = (x + left, y + top);
            let item = &items[item];
            if item.framed {
                drawing.frames.push(Rectangle { x: left, y: top, width: item.width(), height: item.height() });
            }
            for (node, cell) in item.cells(left, top) {
                drawing.nodes[node] = cell;
            }
        }
        drawing.arrows.extend(part.arrows.iter().map(|arrow| arrow.at(x, y)));
        drawing.width = drawing.width.max(x + part.width);
        x += part.width + APART;
        shelf = shelf.max(part.height);
        drawing.height = drawing.height.max(y + part.height);
    }
    drawing
}

/// Blocks and single resources in the order of the first of each, and the edges between them.
fn items(widths: &[i32], edges: &[(usize, usize)]) -> (Vec<Item>, Vec<(usize, usize)>) {
    let mut neighbours = vec![(BTreeSet::new(), BTreeSet::new()); widths.len()];
    for &(from, to) in edges.iter().filter(|(from, to)| from != to) {
        neighbours[to].0.insert(from);
        neighbours[from].1.insert(to);
    }
    let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (node, neighbours) in neighbours.iter().enumerate() {
        alike.entry(neighbours).or_default().push(node);
    }
    let mut items: Vec<Item> = Vec::new();
    for ((before, after), members) in alike {
        let loose = before.is_empty() && after.is_empty();
        if loose || members.len() >= BLOCK {
            items.push(Item::new(members, widths, !loose));
        } else {
            items.extend(members.into_iter().map(|node| Item::new(vec![node], widths, false)));
        }
    }
    items.sort_by_key(|item| item.members[0]);
    let mut of = vec![0; widths.len()];
    for (at, item) in items.iter().enumerate() {
        for &node in &item.members {
            of[node] = at;
        }
    }
    let between: BTreeSet<(usize, usize)> =
        edges.iter().map(|&(from, to)| (of[from], of[to])).filter(|(from, to)| from != to).collect();
    (items, between.into_iter().collect())
}

/// Items and the edges between them, by their places among the items.
type Component = (Vec<usize>, Vec<(usize, usize)>);

/// What hangs together.
fn components(count: usize, edges: &[(usize, usize)]) -> Vec<Component> {
    let mut root: Vec<usize> = (0..count).collect();
    let find = |root: &mut Vec<usize>, mut at: usize| {
        while root[at] != at {
            root[at] = root[root[at]];
            at = root[at];
        }
        at
    };
    for &(from, to) in edges {
        let (one, other) = (find(&mut root, from), find(&mut root, to));
        root[one.max(other)] = one.min(other);
    }
    let mut parts: BTreeMap<usize, Component> = BTreeMap::new();
    let mut place = vec![0; count];
    for (at, place) in place.iter_mut().enumerate() {
        let (members, _) = parts.entry(find(&mut root, at)).or_default();
        *place = members.len();
        members.push(at);
    }
    for &(from, to) in edges {
        let (_, edges) = parts.get_mut(&find(&mut root, from)).expect("each has a part");
        edges.push((place[from], place[to]));
    }
    parts.into_values().collect()
}

#[cfg(test)]
mod tests;
