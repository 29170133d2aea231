//! How high each vertex stands: near its neighbours, in the order of its layer, with room between.

use super::layers::Layered;

const SWEEPS: usize = 8;
/// How much more a bend insists on its place than an item: long arrows are to be straight.
const STRAIGHT: f64 = 4.0;

/// The middle of each vertex from the top, `room` being what two neighbours in a layer need between their middles.
pub(super) fn heights(made: &Layered, room: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut middle = vec![0.0; made.vertices.len()];
    for layer in &made.layers {
        for pair in layer.windows(2) {
            middle[pair[1]] = middle[pair[0]] + room(pair[0], pair[1]);
        }
    }
    for sweep in 0..SWEEPS {
        let count = made.layers.len();
        for step in 0..count {
            let at = if sweep % 2 == 0 { step } else { count - 1 - step };
            let layer = &made.layers[at];
            let wanted: Vec<(f64, f64)> = layer
                .iter()
                .map(|&vertex| {
                    let sides = match sweep {
                        _ if sweep + 2 >= SWEEPS => [&made.before[vertex][..], &made.behind[vertex][..]],
                        _ if sweep % 2 == 0 => [&made.before[vertex][..], &[]],
                        _ => [&made.behind[vertex][..], &[]],
                    };
                    let weight = if made.vertices[vertex].is_bend { STRAIGHT } else { 1.0 };
                    (mean(sides, &middle).unwrap_or(middle[vertex]), weight)
                })
                .collect();
            let rooms: Vec<f64> = layer.windows(2).map(|pair| room(pair[0], pair[1])).collect();
            for (&vertex, placed) in layer.iter().zip(nearest(&wanted, &rooms)) {
                middle[vertex] = placed;
            }
        }
    }
    middle
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn mean(sides: [&[usize]; 2], middle: &[f64]) -> Option<f64> {
    let count = sides[0].len() + sides[1].len();
    let sum: f64 = sides.into_iter().flatten().map(|&vertex| middle[vertex]).sum();
    (count > 0).then(|| sum / count as f64)
}

/// The places nearest to the wanted ones (by the sum of weighted squares) that keep the order and the room: runs that would
/// overlap are moved as one, to the mean of what they want.
fn nearest(wanted: &[(f64, f64)], rooms: &[f64]) -> Vec<f64> {
    let mut offset = 0.0;
    let offsets: Vec<f64> = std::iter::once(0.0)
        .chain(rooms.iter().map(|room| {
            offset += room;
            offset
        }))
        .collect();
    // Sum of weight × place, sum of weights, how many.
    let mut runs: Vec<(f64, f64, usize)> = Vec::new();
    for ((place, weight), offset) in wanted.iter().zip(&offsets) {
        let mut run = (weight * (place - offset), *weight, 1);
        while let Some(last) = runs.last().filter(|last| last.0 / last.1 > run.0 / run.1) {
            run = (run.0 + last.0, run.1 + last.1, run.2 + last.2);
            runs.pop();
        }
        runs.push(run);
    }
    let places = runs.into_iter().flat_map(|(sum, weight, count)| std::iter::repeat_n(sum / weight, count));
    places.zip(offsets).map(|(place, offset)| place + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_overlap_is_moved_as_one() {
        let near = |wanted: &[f64], room: f64| {
            let wanted: Vec<_> = wanted.iter().map(|&place| (place, 1.0)).collect();
            nearest(&wanted, &vec![room; wanted.len() - 1])
        };
        assert_eq!(near(&[0.0, 50.0], 10.0), [0.0, 50.0]);
        assert_eq!(near(&[20.0, 20.0], 10.0), [15.0, 25.0]);
        assert_eq!(near(&[30.0, 0.0, 100.0], 10.0), [10.0, 20.0, 100.0]);
    }
}
