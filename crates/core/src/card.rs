//! What a recipe says about itself: data, so that listings, help and the README table are generated from it.

/// A recipe's identity card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    /// Registry name, snake_case.
    pub name: &'static str,
    /// Title of the paper, or of the method if it has none.
    pub title: &'static str,
    /// Where to read it: an arXiv id or a journal reference.
    pub reference: &'static str,
    /// The idea in one sentence.
    pub idea: &'static str,
    /// Verbs it serves: `collect`, `train`, `dream`, `act`, `judge`, `improve`.
    pub verbs: &'static [&'static str],
}
