//! Who stands above whom in a layer: such that few arrows cross.

use super::layers::Layered;

const SWEEPS: usize = 12;

/// Sorts each layer by the middle of its neighbours, from left to right and back; the best of all orders stays.
pub(super) fn order(made: &mut Layered) {
    let mut place = places(made);
    let mut best = (crossings(made, &place), made.layers.clone());
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        let forwards = sweep % 2 == 0;
        let count = made.layers.len();
        for step in 1..count {
            let at = if forwards { step } else { count - 1 - step };
            let mut layer = std::mem::take(&mut made.layers[at]);
            let side = if forwards { &made.before } else { &made.behind };
            let mut sorted: Vec<(f64, usize)> =
                layer.iter().map(|&vertex| (middle(&side[vertex], &place, place[vertex]), vertex)).collect();
            sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
            layer.clear();
            layer.extend(sorted.into_iter().map(|(_, vertex)| vertex));
            for (at, &vertex) in layer.iter().enumerate() {
                place[vertex] = at;
            }
            made.layers[at] = layer;
        }
        let count = crossings(made, &place);
        if count < best.0 {
            best = (count, made.layers.clone());
        }
    }
    made.layers = best.1;
}

fn places(made: &Layered) -> Vec<usize> {
    let mut place = vec![0; made.vertices.len()];
    for layer in &made.layers {
        for (at, &vertex) in layer.iter().enumerate() {
            place[vertex] = at;
        }
    }
    place
}

#[expect(clippy::cast_precision_loss, reason = "places are small")]
fn middle(neighbours: &[usize], place: &[usize], own: usize) -> f64 {
    if neighbours.is_empty() {
        return own as f64;
    }
    neighbours.iter().map(|&vertex| place[vertex] as f64).sum::<f64>() / neighbours.len() as f64
}

/// How often two arrows between the same layers cross: the pairs in the wrong order, counted with a tree of sums.
fn crossings(made: &Layered, place: &[usize]) -> usize {
    let mut count = 0;
    for pair in made.layers.windows(2) {
        let mut tree = vec![0_usize; pair[1].len() + 1];
        let mut seen = 0;
        for &vertex in &pair[0] {
            let mut ends: Vec<usize> = made.behind[vertex].iter().map(|&next| place[next]).collect();
            ends.sort_unstable();
            for &end in &ends {
                count += seen - up_to(&tree, end + 1);
            }
            for &end in &ends {
                add(&mut tree, end + 1);
            }
            seen += ends.len();
        }
    }
    count
}

fn up_to(tree: &[usize], mut at: usize) -> usize {
    let mut sum = 0;
    while at > 0 {
        sum += tree[at];
        at &= at - 1;
    }
    sum
}

fn add(tree: &mut [usize], mut at: usize) {
    while at < tree.len() {
        tree[at] += 1;
        at += at & at.wrapping_neg();
    }
}

#[cfg(test)]
mod tests {
    use super::super::layers::layered;
    use super::*;

    #[test]
    fn crossings_are_counted_and_undone() {
        for (edges, count) in
            [([(0, 5), (1, 4), (2, 3)], 3), ([(0, 4), (1, 5), (2, 3)], 2), ([(0, 3), (1, 5), (2, 4)], 1)]
        {
            let mut made = layered(6, &edges);
            assert_eq!(crossings(&made, &places(&made)), count);
            order(&mut made);
            assert_eq!(crossings(&made, &places(&made)), 0, "{edges:?}");
        }
    }
}
