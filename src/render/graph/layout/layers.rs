//! Which layer each item is in, and the bends of edges that pass layers by.

use std::collections::{BTreeSet, HashMap};

/// More bends than this are not worth the time: the longest edges then pass below what is in their way.
const BENDS: usize = 20_000;

/// Something in a layer: an item, or a bend of edges of the same source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vertex {
    pub(super) layer: usize,
    pub(super) is_bend: bool,
}

/// Items and bends in layers. The items come first among the vertices.
#[derive(Debug, Default)]
pub(super) struct Layered {
    pub(super) vertices: Vec<Vertex>,
    /// The vertices of each layer, from top to bottom.
    pub(super) layers: Vec<Vec<usize>>,
    /// The neighbours of each vertex in the layer before and in the layer behind.
    pub(super) before: Vec<Vec<usize>>,
    pub(super) behind: Vec<Vec<usize>>,
    /// The way of each edge, in the direction of the layers.
    pub(super) ways: Vec<Way>,
}

#[derive(Debug)]
pub(super) struct Way {
    pub(super) edge: (usize, usize),
    pub(super) vertices: Vec<usize>,
    pub(super) backwards: bool,
}

/// Puts items into layers: each behind all that it requires, and no further to the left than what needs it asks for.
pub(super) fn layered(count: usize, edges: &[(usize, usize)]) -> Layered {
    let layer = layer_of(count, edges);
    let mut made = Layered {
        vertices: layer.iter().map(|&layer| Vertex { layer, is_bend: false }).collect(),
        before: vec![Vec::new(); count],
        behind: vec![Vec::new(); count],
        ..Layered::default()
    };
    let forward: Vec<_> =
        edges.iter().map(|&(from, to)| if layer[from] < layer[to] { (from, to) } else { (to, from) }).collect();
    let longest = longest_span(count, &forward, &layer);
    let mut bends: HashMap<(usize, usize), usize> = HashMap::new();
    for (&edge, &(from, to)) in edges.iter().zip(&forward) {
        let mut vertices = vec![from];
        let span = layer[to] - layer[from];
        if span <= longest {
            for layer in layer[from] + 1..layer[to] {
                vertices.push(*bends.entry((from, layer)).or_insert_with(|| {
                    made.vertices.push(Vertex { layer, is_bend: true });
                    made.before.push(Vec::new());
                    made.behind.push(Vec::new());
                    made.vertices.len() - 1
                }));
            }
        }
        vertices.push(to);
        if span <= longest {
            for pair in vertices.windows(2) {
                if !made.behind[pair[0]].contains(&pair[1]) {
                    made.behind[pair[0]].push(pair[1]);
                    made.before[pair[1]].push(pair[0]);
                }
            }
        }
        made.ways.push(Way { edge, vertices, backwards: edge != (from, to) });
    }
    made.layers = vec![Vec::new(); layer.iter().max().map_or(0, |last| last + 1)];
    for (at, vertex) in made.vertices.iter().enumerate() {
        made.layers[vertex.layer].push(at);
    }
    made
}

/// The longest way to each item. What stands in a circle is taken in its order, one after the other.
fn layer_of(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut behind = vec![Vec::new(); count];
    let mut missing = vec![0_usize; count];
    for &(from, to) in edges {
        behind[from].push(to);
        missing[to] += 1;
    }
    let mut layer = vec![0_usize; count];
    let mut left: BTreeSet<usize> = (0..count).collect();
    let mut ready: BTreeSet<usize> = (0..count).filter(|&item| missing[item] == 0).collect();
    let mut sequence = Vec::new();
    while let Some(item) = ready.pop_first().or_else(|| left.first().copied()) {
        left.remove(&item);
        sequence.push(item);
        for &next in &behind[item] {
            missing[next] = missing[next].saturating_sub(1);
            if left.contains(&next) {
                layer[next] = layer[next].max(layer[item] + 1);
                if missing[next] == 0 {
                    ready.insert(next);
                }
            }
        }
    }
    let mut has_before = vec![false; count];
    for &(_, to) in edges {
        has_before[to] = true;
    }
    for &item in sequence.iter().rev().filter(|&&item| !has_before[item]) {
        let nearest = behind[item].iter().map(|&next| layer[next]).min();
        layer[item] = nearest.map_or(layer[item], |nearest| nearest.saturating_sub(1).max(layer[item]));
    }
    layer
}

/// Up to which length edges get bends.
fn longest_span(count: usize, edges: &[(usize, usize)], layer: &[usize]) -> usize {
    let mut longest = layer.iter().max().map_or(0, |last| last + 1);
    loop {
        let mut spans = vec![1; count];
        for &(from, to) in edges {
            let span = layer[to] - layer[from];
            if span <= longest {
                spans[from] = span.max(spans[from]);
            }
        }
        if spans.iter().map(|span| span - 1).sum::<usize>() <= BENDS || longest <= 1 {
            return longest;
        }
        longest /= 2;
    }
}
