//! How broken a text is, by its tree.

use std::ops::Range;

use tree_sitter::Node;

use crate::Snapshot;

impl Snapshot {
    /// The number of ERROR and MISSING nodes that touch bytes `range` (its ends count too). 0 for plain text. Walks only the subtrees
    /// with an error in them.
    pub fn syntax_errors(&self, range: Range<usize>) -> usize {
        let Some(tree) = self.tree() else { return 0 };
        let touches = |node: Node| node.start_byte() <= range.end && node.end_byte() >= range.start;
        let mut cursor = tree.walk();
        let mut count = 0;
        loop {
            let node = cursor.node();
            let here = touches(node) && node.has_error();
            count += usize::from(here && (node.is_error() || node.is_missing()));
            if here && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return count;
                }
            }
        }
    }
}
