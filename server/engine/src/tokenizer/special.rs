//! Text in which the names of special tokens mean these tokens: what clients of a model server send.

use std::convert::Infallible;

use super::{
    Tokenizer,
    literals::{Literals, Part},
};

impl Tokenizer {
    /// Encodes text in which special tokens are spelled out. Only for prompts that somebody else has laid out: source code goes through [`Tokenizer::encode`].
    pub fn encode_with_special(&self, text: &str) -> Vec<u32> {
        let names = Literals::new(self.special_ids.iter().map(|(name, id)| (name.clone(), *id)));
        let mut ids = Vec::new();
        let Ok(()) = names.cut::<Infallible>(text, |part| {
            match part {
                Part::Text(text) => ids.extend(self.encode(text)),
                Part::Token(id) => ids.push(id),
            }
            Ok(())
        });
        ids
    }
}
