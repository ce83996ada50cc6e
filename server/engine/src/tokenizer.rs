//! Text to token ids and back.

/// A byte-level tokenizer: every byte string can be encoded, and decoding gives the bytes back.
#[derive(Debug)]
pub struct Tokenizer {}

impl Tokenizer {
    /// Encodes plain text. Marker look-alikes in `text` stay text: special tokens are never produced here.
    pub fn encode(&self, _text: &str) -> Vec<u32> {
        todo!()
    }
    /// The bytes of one token; special tokens give none.
    pub fn bytes(&self, _id: u32) -> &[u8] {
        todo!()
    }
    /// The id of a special token by its exact name, such as `<|fim_prefix|>`.
    pub fn special(&self, _name: &str) -> Option<u32> {
        todo!()
    }
    /// Whether `id` is a special (control) token.
    pub fn is_special(&self, _id: u32) -> bool {
        todo!()
    }
    /// How many ids there are.
    pub fn vocab_size(&self) -> usize {
        todo!()
    }
}
