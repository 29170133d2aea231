//! From what resources require to the order in which they can be worked on, or the cycles that leave none.
//!
//! Nothing here recurses: chains of resources may be as long as there are resources.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use crate::model::{Address, Code, Desired, Diagnostic, Span};

/// The edges of a cycle that are labelled; no one follows more with the eye.
const MAX_LABELS: usize = 50;
/// The cycles shown of resources that are all entangled with each other.
const MAX_CYCLES_PER_TANGLE: usize = 20;

/// What a resource requires, and where it says so.
pub type Requirement = (Address, Span);

/// All addresses: what is required before what requires it, else by address.
///
/// The order depends on addresses and requirements only, never on the order of the map. Resources of a cycle are left
/// out, with everything that requires them; [`cycles`] tells about those.
pub fn order(desired: &Desired) -> Vec<Address> {
    order_by(desired.resources.values().map(|resource| (&resource.address, &*resource.requires)))
}

/// The same for other requirements than those declared.
pub fn order_by<'d>(requires: impl IntoIterator<Item = (&'d Address, &'d [Requirement])>) -> Vec<Address> {
    let graph = Graph::new(requires);
    let mut dependents: Vec<Vec<u32>> = vec![Vec::new(); graph.len()];
    let mut waiting_for: Vec<usize> = vec![0; graph.len()];
    for (from, edges) in graph.edges.iter().enumerate() {
        waiting_for[from] = edges.len();
        for edge in edges {
            dependents[edge.to as usize].push(narrow(from));
        }
    }
    let mut ready: BinaryHeap<Reverse<u32>> =
        (0..narrow(graph.len())).filter(|at| waiting_for[*at as usize] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(graph.len());
    while let Some(Reverse(next)) = ready.pop() {
        order.push(graph.addresses[next as usize].clone());
        for dependent in &dependents[next as usize] {
            let left = &mut waiting_for[*dependent as usize];
            *left -= 1;
            if *left == 0 {
                ready.push(Reverse(*dependent));
            }
        }
    }
    order
}

/// The parts of a resource, sorted by address.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// All of them.
    pub all: Vec<Address>,
    /// Those that shall be there: they come before whatever else requires the resource.
    pub awaited: Vec<Address>,
}

/// Adds to what requires a resource that it requires the parts of that too, other parts of it apart. The requirements
/// stay sorted by address, each once.
///
/// A resource with parts is worked on in two goes, between which its parts are: what follows from that is in here as well.
/// Were a part to wait for something that waits for the whole, that would require the part: a cycle like any other.
pub fn require_parts<'d, 'p>(
    requires: impl IntoIterator<Item = (&'d Address, &'d mut Vec<Requirement>)>,
    parts: impl Fn(&Address) -> Option<&'p Parts>,
) {
    for (own, requires) in requires {
        let wholes = requires.iter().filter_map(|(whole, span)| Some((parts(whole)?, *span)));
        let others = wholes.filter(|(parts, _)| parts.all.binary_search(own).is_err());
        let more: Vec<Requirement> =
            others.flat_map(|(parts, span)| parts.awaited.iter().map(move |part| (part.clone(), span))).collect();
        if !more.is_empty() {
            requires.extend(more);
            requires.sort();
            requires.dedup_by(|later, earlier| later.0 == earlier.0);
        }
    }
}

/// The cycles, each told once, from its smallest address on and edge by edge.
///
/// Where resources are entangled in many cycles, shortest ones are shown, no edge twice, and not all if there are very
/// many.
pub fn cycles<'d>(requires: impl IntoIterator<Item = (&'d Address, &'d [Requirement])>) -> Vec<Diagnostic> {
    let mut graph = Graph::new(requires);
    let mut found = Vec::new();
    for tangle in graph.tangles(0..narrow(graph.len())) {
        let mut rest = VecDeque::from([tangle]);
        let mut shown = 0;
        while let Some(members) = rest.pop_front()
            && shown < MAX_CYCLES_PER_TANGLE
        {
            let cycle = graph.shortest_cycle(&members);
            found.push(graph.diagnostic(&cycle));
            shown += 1;
            for (from, edge) in cycle {
                graph.edges[from as usize].retain(|other| other.to != edge.to);
            }
            rest.extend(graph.tangles(members.into_iter()));
        }
    }
    found
}

/// Requirements by rank: resources are numbered in the order of their addresses.
struct Graph<'d> {
    addresses: Vec<&'d Address>,
    edges: Vec<Vec<Edge>>,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    to: u32,
    span: Span,
}

impl<'d> Graph<'d> {
    fn new(requires: impl IntoIterator<Item = (&'d Address, &'d [Requirement])>) -> Self {
        let mut nodes: Vec<(&Address, &[Requirement])> = requires.into_iter().collect();
        nodes.sort_unstable_by_key(|(address, _)| *address);
        let rank: HashMap<&Address, u32> =
            nodes.iter().enumerate().map(|(at, (address, _))| (*address, narrow(at))).collect();
        let edges = nodes
            .iter()
            .map(|(_, requires)| {
                let requires = requires.iter();
                let mut edges: Vec<Edge> =
                    requires.filter_map(|(to, span)| Some(Edge { to: *rank.get(to)?, span: *span })).collect();
                edges.sort_by_key(|edge| (edge.to, edge.span));
                edges.dedup_by_key(|edge| edge.to);
                edges
            })
            .collect();
        Self { addresses: nodes.into_iter().map(|(address, _)| address).collect(), edges }
    }

    fn len(&self) -> usize {
        self.addresses.len()
    }

    /// The strongly connected components that hold a cycle (Tarjan), members sorted, ordered by their smallest member.
    fn tangles(&self, within: impl Iterator<Item = u32>) -> Vec<Vec<u32>> {
        const UNSEEN: u32 = u32::MAX;
        let within: Vec<u32> = within.collect();
        let local: HashMap<u32, u32> = within.iter().enumerate().map(|(at, node)| (*node, narrow(at))).collect();
        let mut index = vec![UNSEEN; within.len()];
        let mut low = vec![0_u32; within.len()];
        let mut on_path = vec![false; within.len()];
        let mut path: Vec<u32> = Vec::new();
        let mut visits: Vec<(u32, usize)> = Vec::new();
        let mut next_index = 0;
        let mut tangles = Vec::new();
        for root in 0..narrow(within.len()) {
            if index[root as usize] != UNSEEN {
                continue;
            }
            visits.push((root, 0));
            while let Some((node, next_edge)) = visits.last_mut() {
                let at = *node as usize;
                if *next_edge == 0 && index[at] == UNSEEN {
                    index[at] = next_index;
                    low[at] = next_index;
                    next_index += 1;
                    path.push(*node);
                    on_path[at] = true;
                }
                let edges = &self.edges[within[at] as usize];
                if let Some(edge) = edges.get(*next_edge) {
                    *next_edge += 1;
                    let Some(to) = local.get(&edge.to) else { continue };
                    if index[*to as usize] == UNSEEN {
                        visits.push((*to, 0));
                    } else if on_path[*to as usize] {
                        low[at] = low[at].min(index[*to as usize]);
                    }
                    continue;
                }
                visits.pop();
                if let Some((parent, _)) = visits.last() {
                    low[*parent as usize] = low[*parent as usize].min(low[at]);
                }
                if low[at] == index[at] {
                    let start = path.iter().rposition(|member| *member as usize == at).expect("it is on the path");
                    let mut members: Vec<u32> = path.drain(start..).map(|member| within[member as usize]).collect();
                    for member in &members {
                        on_path[local[member] as usize] = false;
                    }
                    members.sort_unstable();
                    let to_itself = |node: u32| self.edges[node as usize].iter().any(|edge| edge.to == node);
                    if members.len() > 1 || to_itself(members[0]) {
                        tangles.push(members);
                    }
                }
            }
        }
        tangles.sort_unstable();
        tangles
    }

    /// A shortest cycle through the smallest member of a tangle.
    fn shortest_cycle(&self, members: &[u32]) -> Vec<(u32, Edge)> {
        let start = members[0];
        let mut came_by: HashMap<u32, (u32, Edge)> = HashMap::new();
        let mut queue = VecDeque::from([start]);
        'search: while let Some(node) = queue.pop_front() {
            for edge in &self.edges[node as usize] {
                if edge.to == start {
                    came_by.insert(start, (node, *edge));
                    break 'search;
                }
                if members.binary_search(&edge.to).is_ok() && !came_by.contains_key(&edge.to) {
                    came_by.insert(edge.to, (node, *edge));
                    queue.push_back(edge.to);
                }
            }
        }
        let mut cycle = Vec::new();
        let mut node = start;
        loop {
            let step = came_by[&node];
            cycle.push(step);
            node = step.0;
            if node == start {
                cycle.reverse();
                return cycle;
            }
        }
    }

    fn diagnostic(&self, cycle: &[(u32, Edge)]) -> Diagnostic {
        let name = |node: u32| self.addresses[node as usize];
        let label = |(from, edge): &(u32, Edge)| format!("`{}` needs `{}` here", name(*from), name(edge.to));
        let first = &cycle[0];
        let message = match cycle {
            [_] => format!("`{}` needs itself", name(first.0)),
            [_, _] => format!("`{}` and `{}` need each other", name(first.0), name(first.1.to)),
            _ => format!("`{}` needs itself, by way of {} others", name(first.0), cycle.len() - 1),
        };
        let help = match cycle {
            [_] => "a resource cannot wait for itself: write the value out, or remove this",
            _ if cycle.len() > MAX_LABELS => {
                "none of them could be created first: remove one of these edges (only the first ones are marked)"
            }
            _ => "none of them could be created first: remove one of these edges",
        };
        let diagnostic =
            Diagnostic::error(Code::Cycle, message).at(first.1.span, label(first)).help(help).on(name(first.0));
        cycle[1..]
            .iter()
            .take(MAX_LABELS - 1)
            .fold(diagnostic, |diagnostic, edge| diagnostic.also(edge.1.span, label(edge)))
    }
}

fn narrow(at: usize) -> u32 {
    u32::try_from(at).expect("fewer than 2^32 resources")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{Fields, Identity, Lifecycle, Locate, Path, Places, Resource, SourceFile, Sources};

    struct Nowhere(Span);

    impl Locate for Nowhere {
        fn value(&self, _: &Path) -> (Span, bool) {
            (self.0, false)
        }

        fn key(&self, _: &Path) -> Option<Span> {
            None
        }
    }

    fn span(at: usize) -> Span {
        let mut sources = Sources::default();
        Span::new(sources.add(SourceFile::new("a.yaml", "")), at..at + 1)
    }

    fn address(number: usize) -> Address {
        Address::new("things", format!("t{number:05}"))
    }

    /// Resources in the given order; the edge `(a, b)` says that `a` requires `b`.
    fn desired(numbers: impl IntoIterator<Item = usize>, edges: &[(usize, usize)]) -> Desired {
        let here = span(0);
        let mut desired = Desired::default();
        for number in numbers {
            let resource = Resource {
                address: address(number),
                target: "t".into(),
                identity: Identity::single("slug", "x"),
                fields: Fields::default(),
                lifecycle: Lifecycle::default(),
                span: here,
                key_span: here,
                places: Places::new(Arc::new(Nowhere(here))),
                requires: Vec::new(),
                parts: Vec::new(),
            };
            desired.resources.insert(address(number), resource);
        }
        for (at, (from, to)) in edges.iter().enumerate() {
            desired.resources[&address(*from)].requires.push((address(*to), span(at)));
        }
        desired
    }

    fn found(desired: &Desired) -> Vec<Diagnostic> {
        cycles(desired.resources.values().map(|resource| (&resource.address, &*resource.requires)))
    }

    fn messages(desired: &Desired) -> Vec<String> {
        found(desired).into_iter().map(|diagnostic| diagnostic.message).collect()
    }

    #[test]
    fn what_is_required_comes_first_and_ties_go_by_address() {
        let order = order(&desired(0..5, &[(0, 3), (3, 4), (1, 4)]));
        assert_eq!(order, [2, 4, 1, 3, 0].map(address));
    }

    #[test]
    fn a_cycle_is_told_edge_by_edge_from_its_smallest_address() {
        let found = found(&desired(0..4, &[(3, 1), (1, 2), (2, 3), (0, 1)]));
        assert_eq!(found.len(), 1);
        let labels: Vec<_> =
            found[0].labels.iter().map(|label| (label.span.start, label.primary, label.message.as_str())).collect();
        assert_eq!(
            labels,
            [
                (1, true, "`things.t00001` needs `things.t00002` here"),
                (2, false, "`things.t00002` needs `things.t00003` here"),
                (0, false, "`things.t00003` needs `things.t00001` here"),
            ]
        );
        assert_eq!(found[0].address, Some(address(1)));
    }

    #[test]
    fn a_resource_that_needs_itself_is_a_cycle() {
        assert_eq!(messages(&desired(0..2, &[(1, 1)])), ["`things.t00001` needs itself"]);
    }

    #[test]
    fn every_cycle_of_a_tangle_is_told_once() {
        let eight = desired(0..3, &[(0, 1), (1, 0), (0, 2), (2, 0)]);
        assert_eq!(
            messages(&eight),
            [
                "`things.t00000` and `things.t00001` need each other",
                "`things.t00000` and `things.t00002` need each other"
            ]
        );
    }

    #[test]
    fn resources_that_all_need_each_other_yield_few_words() {
        let edges: Vec<_> = (0..60).flat_map(|from| (0..60).map(move |to| (from, to))).collect();
        assert_eq!(found(&desired(0..60, &edges)).len(), MAX_CYCLES_PER_TANGLE);
    }

    #[test]
    fn a_chain_of_fifty_thousand_is_ordered_and_its_cycle_found() {
        let mut edges: Vec<_> = (1..50_000).map(|at| (at, at - 1)).collect();
        let chain = desired(0..50_000, &edges);
        assert_eq!(order(&chain), (0..50_000).map(address).collect::<Vec<_>>());
        assert!(found(&chain).is_empty());
        edges.push((0, 49_999));
        let found = found(&desired(0..50_000, &edges));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].labels.len(), MAX_LABELS);
    }

    proptest! {
        #[test]
        fn parents_precede_children(edges in prop::collection::vec((0_usize..40, 0_usize..40), 0..120)) {
            let edges: Vec<_> = edges.into_iter().filter(|(from, to)| from > to).collect();
            let order = order(&desired(0..40, &edges));
            prop_assert_eq!(order.len(), 40);
            let place = |number| order.iter().position(|there| *there == address(number));
            for (from, to) in edges {
                prop_assert!(place(to) < place(from));
            }
        }

        #[test]
        fn shuffled_resources_give_the_same_order_and_the_same_cycles(
            numbers in Just((0..20).collect::<Vec<usize>>()).prop_shuffle(),
            edges in prop::collection::vec((0_usize..20, 0_usize..20), 0..50),
        ) {
            let (straight, shuffled) = (desired(0..20, &edges), desired(numbers, &edges));
            prop_assert_eq!(order(&straight), order(&shuffled));
            prop_assert_eq!(found(&straight), found(&shuffled));
        }

        #[test]
        fn either_everything_is_ordered_or_a_cycle_is_told(
            edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..20),
        ) {
            let desired = desired(0..12, &edges);
            prop_assert_eq!(order(&desired).len() == 12, found(&desired).is_empty());
        }
    }
}
