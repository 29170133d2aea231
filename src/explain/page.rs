//! A page of documentation, before anybody knows how wide it is.

/// What is told of a subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// What it is about, and in a few words what that is.
    pub title: (String, String),
    /// In order.
    pub blocks: Vec<Block>,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The heading of what follows.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// Things that belong together, each with what is said of it.
    Entries(Vec<Entry>),
    /// The same in two columns, for what is short.
    Table(Vec<Entry>),
    /// Lines as they are.
    Lines {
        /// What they are of, if that has a name: `resources.yaml`.
        of: Option<&'static str>,
        /// The lines.
        text: String,
    },
}

/// One of several things.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// What it takes and which rules it has, in a few words.
    pub marks: String,
    /// What it is.
    pub text: String,
}

impl Entry {
    pub(super) fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), marks: String::new(), text: text.into() }
    }

    pub(super) fn marked(self, marks: impl Into<String>) -> Self {
        Self { marks: marks.into(), ..self }
    }
}

impl Page {
    pub(super) fn about(name: impl Into<String>, what: impl Into<String>) -> Self {
        Self { title: (name.into(), what.into()), blocks: Vec::new() }
    }

    pub(super) fn heading(mut self, text: &str) -> Self {
        self.blocks.push(Block::Heading(text.to_owned()));
        self
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    pub(super) fn entries(mut self, entries: impl IntoIterator<Item = Entry>) -> Self {
        self.blocks.push(Block::Entries(entries.into_iter().collect()));
        self
    }

    pub(super) fn table(mut self, entries: impl IntoIterator<Item = Entry>) -> Self {
        self.blocks.push(Block::Table(entries.into_iter().collect()));
        self
    }

    pub(super) fn lines(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Lines { of: None, text: text.into() });
        self
    }
}
