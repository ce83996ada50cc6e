//! The tree from left to right: its leaves, which have all of the text but blanks.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use crate::Snapshot;

impl Snapshot {
    /// The leaves that begin in bytes `range`, without the empty ones: what is missing, a block without a statement. None for plain text.
    pub fn leaves(&self, range: Range<usize>) -> impl Iterator<Item = Node<'_>> {
        let mut way = self.tree().map(Tree::walk);
        std::iter::from_fn(move || {
            while let Some(cursor) = &mut way {
                let node = cursor.node();
                let at = node.start_byte();
                if at >= range.end {
                    break;
                }
                if node.end_byte() > range.start && cursor.goto_first_child() {
                    continue;
                }
                while !cursor.goto_next_sibling() {
                    if !cursor.goto_parent() {
                        way = None;
                        break;
                    }
                }
                if node.child_count() == 0 && at >= range.start && node.end_byte() > at {
                    return Some(node);
                }
            }
            None
        })
    }
}
