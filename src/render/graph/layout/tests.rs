use proptest::prelude::*;

use super::*;

fn overlap(one: &Rectangle, other: &Rectangle) -> bool {
    one.x < other.x + other.width
        && other.x < one.x + one.width
        && one.y < other.y + other.height
        && other.y < one.y + one.height
}

/// What is wrong with a drawing, if anything.
fn flaw(drawing: &Drawing, edges: &[(usize, usize)]) -> Option<String> {
    let whole = Rectangle { x: 0, y: 0, width: drawing.width, height: drawing.height };
    let is_outside = |inner: &Rectangle| {
        inner.x < 0 || inner.y < 0 || inner.x + inner.width > whole.width || inner.y + inner.height > whole.height
    };
    for (at, one) in drawing.nodes.iter().enumerate() {
        if is_outside(one) {
            return Some(format!("{one:?} is outside of {whole:?}"));
        }
        if let Some(other) = drawing.nodes[at + 1..].iter().find(|other| overlap(one, other)) {
            return Some(format!("{one:?} overlaps {other:?}"));
        }
    }
    for frame in &drawing.frames {
        let strangers = drawing.nodes.iter().filter(|node| overlap(frame, node));
        if is_outside(frame) || strangers.clone().any(|node| node.x < frame.x || node.y < frame.y) {
            return Some(format!("{frame:?} is not around what is in it"));
        }
    }
    let arrows: BTreeSet<(usize, usize)> = drawing.arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
    let missing = edges.iter().find(|(from, to)| {
        let ends = (drawing.items[*from], drawing.items[*to]);
        ends.0 != ends.1 && !arrows.contains(&ends)
    });
    missing.map(|edge| format!("no arrow for {edge:?}"))
}

/// The points through which a path leads, curves by a few of theirs.
fn points(path: &str) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64)> = Vec::new();
    for step in path.split(['M', 'L', 'C', 'Q']).filter(|step| !step.is_empty()) {
        let numbers: Vec<f64> = step.split_whitespace().map(|number| number.parse().expect("a number")).collect();
        match (numbers[..].as_chunks::<2>().0, all.last().copied()) {
            ([[x1, y1], [x2, y2], [x3, y3]], Some((x0, y0))) => all.extend((1..=16).map(|part| {
                let (t, u) = (f64::from(part) / 16.0, 1.0 - f64::from(part) / 16.0);
                let mix = |a: f64, b: f64, c: f64, d: f64| {
                    u * u * u * a + 3.0 * u * u * t * b + 3.0 * u * t * t * c + t * t * t * d
                };
                (mix(x0, *x1, *x2, *x3), mix(y0, *y1, *y2, *y3))
            })),
            (pairs, _) => all.extend(pairs.last().map(|[x, y]| (*x, *y))),
        }
    }
    all
}

/// A node below an arrow.
fn crossed(drawing: &Drawing) -> Option<String> {
    for arrow in &drawing.arrows {
        for (x, y) in points(&arrow.path) {
            let below = drawing.nodes.iter().zip(&drawing.items).find(|(node, item)| {
                let (left, top) = (f64::from(node.x), f64::from(node.y));
                let (right, bottom) = (left + f64::from(node.width), top + f64::from(node.height));
                ![arrow.from, arrow.to].contains(item) && x > left && x < right && y > top && y < bottom
            });
            if let Some((node, _)) = below {
                return Some(format!("{arrow:?} at {x},{y} crosses {node:?}"));
            }
        }
    }
    None
}

fn drawn(count: usize, edges: &[(usize, usize)]) -> Drawing {
    let widths: Vec<i32> = (0..count).map(|at| 90 + i32_of(at * 37 % 150)).collect();
    let drawing = draw(&widths, edges);
    assert_eq!(flaw(&drawing, edges), None, "{count} {edges:?}");
    assert_eq!(crossed(&drawing), None, "{count} {edges:?}");
    drawing
}

#[test]
fn nothing_and_one_are_drawings() {
    assert_eq!(draw(&[], &[]), Drawing::default());
    let one = drawn(1, &[]);
    assert_eq!((one.width, one.height, one.frames.len()), (90, HEIGHT, 0));
}

#[test]
fn what_is_required_stands_to_the_left() {
    let edges = [(0, 1), (1, 2), (0, 2), (3, 2)];
    let drawing = drawn(4, &edges);
    for (from, to) in edges {
        assert!(drawing.nodes[from].x + drawing.nodes[from].width < drawing.nodes[to].x, "{from} {to}");
    }
    assert_eq!(drawing.nodes[3].x, drawing.nodes[1].x, "near to what needs it");
}

#[test]
fn many_of_one_hub_are_a_block_with_one_arrow() {
    let edges: Vec<_> = (1..=500).map(|leaf| (0, leaf)).collect();
    let drawing = drawn(501, &edges);
    assert_eq!((drawing.arrows.len(), drawing.frames.len()), (1, 1));
    assert!(drawing.width < 3 * drawing.height && drawing.height < 3 * drawing.width, "about as wide as high");
}

#[test]
fn a_long_chain_is_folded() {
    let edges: Vec<_> = (1..300).map(|at| (at - 1, at)).collect();
    let drawing = drawn(300, &edges);
    assert_eq!(drawing.arrows.len(), 299);
    assert!(drawing.width < 3 * drawing.height, "{}x{}", drawing.width, drawing.height);
}

#[test]
fn what_has_no_neighbours_stands_together_and_last() {
    let drawing = drawn(42, &[(40, 41)]);
    assert!(drawing.nodes[..40].iter().all(|node| node.y > drawing.nodes[40].y || node.x > drawing.nodes[41].x));
    assert!(drawing.width < 3 * drawing.height && drawing.frames.is_empty());
}

#[test]
fn what_goes_round_in_a_circle_is_drawn_with_an_arrow_backwards() {
    let drawing = drawn(3, &[(0, 1), (1, 2), (2, 0)]);
    let backwards: Vec<_> = drawing.arrows.iter().map(|arrow| (arrow.from, arrow.to, arrow.backwards)).collect();
    assert_eq!(backwards, [(0, 1, false), (1, 2, false), (2, 0, true)]);
    drawn(2, &[(0, 0), (0, 1), (1, 0)]);
}

#[test]
fn two_thousand_of_which_each_needs_the_first_and_the_one_before_are_drawn() {
    let edges: Vec<_> = (1..2000).flat_map(|at| [(0, at), (at - 1, at), (at / 2, at)]).collect();
    let edges: Vec<_> = edges.into_iter().filter(|(from, to)| from != to).collect();
    let drawing = draw(&vec![120; 2000], &edges);
    assert_eq!(flaw(&drawing, &edges), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn nothing_overlaps_and_no_arrow_crosses_a_resource(
        count in 1usize..40,
        ends in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..80),
    ) {
        let edges: BTreeSet<(usize, usize)> = ends
            .iter()
            .map(|(one, other)| (one.index(count), other.index(count)))
            .filter(|(one, other)| one != other)
            .map(|(one, other)| (one.min(other), one.max(other)))
            .collect();
        let edges: Vec<_> = edges.into_iter().collect();
        prop_assert_eq!(drawn(count, &edges), drawn(count, &edges));
    }
}
