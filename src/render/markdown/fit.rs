//! Choosing what fits: whole pieces, the important ones first, and an account of what is left out.

use crate::plan::Action;

/// What a piece is about, to count what is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Action(Action),
    Problem,
    /// Something one can do without, which is not counted.
    Extra,
}

/// Something to say, in full and in brief.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) about: About,
    /// `None` if there is no shorter way to say it.
    pub(super) brief: Option<String>,
    pub(super) full: String,
}

/// Pieces below one heading, which stands only if one of them does.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) head: String,
    pub(super) pieces: Vec<Piece>,
    pub(super) foot: String,
}

/// What there was room for.
#[derive(Debug, Default)]
pub(super) struct Fitted {
    /// The sections, as far as they fit.
    pub(super) text: String,
    /// What is said in brief only.
    pub(super) shortened: Vec<About>,
    /// What is not said.
    pub(super) left_out: Vec<About>,
}

/// Takes tier by tier: of its sections each piece in brief, then as many as possible in full.
pub(super) fn fit(tiers: &[Vec<Section>], room: usize) -> Fitted {
    let mut fitted = Fitted::default();
    for sections in tiers {
        let mut left = room.saturating_sub(fitted.text.len());
        let mut said: Vec<Vec<Option<&str>>> =
            sections.iter().map(|section| vec![None; section.pieces.len()]).collect();
        for (section, said) in sections.iter().zip(&mut said) {
            let mut frame = section.head.len() + section.foot.len();
            for (piece, said) in section.pieces.iter().zip(said) {
                let shortest = piece.brief.as_deref().unwrap_or(&piece.full);
                if shortest.len() + frame <= left {
                    left -= shortest.len() + frame;
                    frame = 0;
                    *said = Some(shortest);
                }
            }
        }
        let pieces = || sections.iter().flat_map(|section| &section.pieces);
        for (piece, said) in pieces().zip(said.iter_mut().flatten()) {
            let more = said.map(|said| piece.full.len().saturating_sub(said.len()));
            if let Some(more) = more.filter(|more| *more <= left) {
                left -= more;
                *said = Some(&piece.full);
            }
        }
        for (section, said) in sections.iter().zip(&said) {
            if said.iter().any(Option::is_some) {
                fitted.text.push_str(&section.head);
                fitted.text.extend(said.iter().flatten().copied());
                fitted.text.push_str(&section.foot);
            }
        }
        for (piece, said) in pieces().zip(said.iter().flatten()) {
            match said {
                None => fitted.left_out.push(piece.about),
                Some(text) if *text != piece.full => fitted.shortened.push(piece.about),
                Some(_) => {}
            }
        }
    }
    fitted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn piece(brief: &str, full: &str) -> Piece {
        Piece { about: About::Action(Action::Create), brief: Some(brief.to_owned()), full: full.to_owned() }
    }

    fn section(pieces: Vec<Piece>) -> Section {
        Section { head: "[".to_owned(), pieces, foot: "]".to_owned() }
    }

    #[test]
    fn all_are_named_before_any_is_told_in_full() {
        let first = section(vec![piece("a", "aaaa"), piece("b", "bbbb")]);
        let tiers = [vec![first], vec![section(vec![piece("c", "cccc")])]];
        let text = |room| fit(&tiers, room).text;
        assert_eq!(text(100), "[aaaabbbb][cccc]");
        assert_eq!(text(13), "[aaaabbbb][c]");
        assert_eq!(text(12), "[aaaabbbb]");
        assert_eq!(text(9), "[aaaab]");
        assert_eq!(text(4), "[ab]");
        assert_eq!(text(3), "[a]");
        assert_eq!(text(2), "");
        let one = [tiers.concat()];
        assert_eq!(fit(&one, 13).text, "[aaaabbbb][c]");
        assert_eq!(fit(&one, 9).text, "[ab][c]");
    }

    #[test]
    fn what_is_missing_is_accounted_for() {
        let fitted = fit(&[vec![section(vec![piece("a", "aaaa"), piece("b", "bbbb"), piece("c", "cccc")])]], 4);
        assert_eq!((fitted.shortened.len(), fitted.left_out.len()), (2, 1));
        let whole = fit(&[vec![section(vec![piece("a", "aaaa")])]], 6);
        assert_eq!((whole.shortened.len(), whole.left_out.len()), (0, 0));
    }

    proptest! {
        #[test]
        fn it_never_exceeds_the_room(
            sizes in prop::collection::vec(prop::collection::vec((0usize..9, 0usize..30), 0..6), 0..5),
            room in 0usize..120,
        ) {
            let one = |&(brief, more): &(usize, usize)| piece(&"x".repeat(brief), &"y".repeat(brief + more));
            let sections: Vec<Section> =
                sizes.iter().map(|pieces| section(pieces.iter().map(one).collect())).collect();
            for tiers in [vec![sections.clone()], sections.into_iter().map(|section| vec![section]).collect()] {
                prop_assert!(fit(&tiers, room).text.len() <= room);
            }
        }
    }
}
