//! What depends on what: as text that other tools draw, as a picture, and as a page.

mod layout;
mod page;
mod svg;
mod text;

use std::collections::HashMap;

use super::clean_line;
use super::human::said;
use super::layout::cut;
use crate::model::{Address, Desired, Span};
use crate::plan::{Action, Plan, Step};

/// Characters of a label.
const LABEL: usize = 80;

/// Resources and their dependencies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// The project and its environment.
    project: String,
    environment: Option<String>,
    nodes: Vec<Node>,
    /// From what is required to what requires it, by their places among the nodes.
    edges: Vec<(usize, usize)>,
}

/// A resource. Its texts are safe to show on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    section: &'static str,
    key: String,
    /// Both, `instances.acme-production`.
    address: String,
    /// Where it is declared.
    source: Span,
    doing: Option<Doing>,
}

/// What is done to a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Doing {
    action: Action,
    /// That and why, as a sentence.
    said: String,
}

impl Node {
    fn new(address: &Address, source: Span, doing: Option<Doing>) -> Self {
        let safe = |text: &str| clean_line(text).into_owned();
        Self { section: address.section, key: safe(&address.key), address: safe(&address.to_string()), source, doing }
    }

    fn action(&self) -> Option<Action> {
        self.doing.as_ref().map(|doing| doing.action)
    }
}

impl Graph {
    /// Of what is declared.
    pub fn declared(desired: &Desired) -> Self {
        let resources = desired.resources.values();
        let nodes = resources.map(|resource| {
            let requires = resource.requires.iter().map(|(address, _)| address).collect();
            (&resource.address, Node::new(&resource.address, resource.span, None), requires)
        });
        Self::new(&desired.project, desired.environment.as_deref(), nodes)
    }

    /// Of a plan, each resource with its action.
    pub fn planned(plan: &Plan) -> Self {
        Self::of_steps(plan, plan.steps.iter())
    }

    /// Of what a plan does not leave as it is.
    pub fn touched(plan: &Plan) -> Self {
        Self::of_steps(plan, plan.steps.iter().filter(|step| step.action != Action::Unchanged))
    }

    fn of_steps<'a>(plan: &'a Plan, steps: impl Iterator<Item = &'a Step>) -> Self {
        let nodes = steps.map(|step| {
            let doing = Doing { action: step.action, said: said(step) };
            (&step.address, Node::new(&step.address, step.source, Some(doing)), step.requires.iter().collect())
        });
        Self::new(&plan.project, plan.environment.as_deref(), nodes)
    }

    fn new<'a>(
        project: &str,
        environment: Option<&str>,
        resources: impl Iterator<Item = (&'a Address, Node, Vec<&'a Address>)>,
    ) -> Self {
        let resources: Vec<_> = resources.collect();
        let numbers: HashMap<&Address, usize> =
            resources.iter().enumerate().map(|(at, (address, ..))| (*address, at)).collect();
        let edges = resources.iter().enumerate().flat_map(|(at, (_, _, requires))| {
            requires.iter().filter_map(|address| Some((*numbers.get(address)?, at))).collect::<Vec<_>>()
        });
        Self {
            project: project.to_owned(),
            environment: environment.map(ToOwned::to_owned),
            edges: edges.collect(),
            nodes: resources.into_iter().map(|(_, node, _)| node).collect(),
        }
    }

    /// How many resources are in it.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether nothing in it depends on anything.
    pub fn is_loose(&self) -> bool {
        self.edges.is_empty()
    }

    /// Its name for people.
    fn project(&self) -> &str {
        if self.project.is_empty() { "trueup" } else { &self.project }
    }

    /// The actions in it, in the order of summaries, each with how many there are.
    fn actions(&self) -> Vec<(Action, usize)> {
        let count = |action| self.nodes.iter().filter(|node| node.action() == Some(action)).count();
        Action::ALL.into_iter().map(|action| (action, count(action))).filter(|(_, count)| *count > 0).collect()
    }

    /// The sections in it, in the order of their first resource, each with how many there are.
    fn sections(&self) -> Vec<(&'static str, usize)> {
        let mut sections: Vec<(&'static str, usize)> = Vec::new();
        for node in &self.nodes {
            match sections.iter_mut().find(|(name, _)| *name == node.section) {
                Some((_, count)) => *count += 1,
                None => sections.push((node.section, 1)),
            }
        }
        sections
    }

    fn label(&self, at: usize) -> String {
        let node = &self.nodes[at];
        let sign = node.action().map(|action| action.sign().trim()).filter(|sign| !sign.is_empty());
        cut(&sign.map_or_else(|| node.address.clone(), |sign| format!("{sign} {}", node.address)), LABEL)
    }
}

#[cfg(test)]
mod tests;
