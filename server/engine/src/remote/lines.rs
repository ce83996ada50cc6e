//! A streamed answer as lines: server-sent events and one JSON document a line are read alike.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;

use super::Failure;

/// The longest line. A token with its probabilities is a few hundred bytes; llama.cpp repeats the whole prompt in its last.
const LONGEST: usize = 16 << 20;

/// The lines of an answer as they come.
#[derive(Debug)]
pub(crate) struct Lines {
    response: Response,
    stall: Duration,
    /// What has come and is not a line yet.
    rest: Vec<u8>,
    /// Bytes of `rest` that have no line's end in them.
    searched: usize,
}

impl Lines {
    pub(crate) fn new(response: Response, stall: Duration) -> Self {
        Self { response, stall, rest: Vec::new(), searched: 0 }
    }

    /// The next line's data: without `data:`, and without events' other fields, comments and blanks. `None` at the end.
    ///
    /// # Errors
    ///
    /// The connection breaks, nothing comes for too long, or it is not UTF-8.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            while let Some(end) = self.rest[self.searched..].iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=self.searched + end).collect();
                self.searched = 0;
                if let Some(data) = data(&line)? {
                    return Ok(Some(data));
                }
            }
            self.searched = self.rest.len();
            if self.rest.len() > LONGEST {
                return Err(Failure::other(format!("a line of its answer is longer than {LONGEST} bytes")));
            }
            match self.chunk().await? {
                Some(chunk) => self.rest.extend_from_slice(&chunk),
                None => return data(&std::mem::take(&mut self.rest)),
            }
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        match tokio::time::timeout(self.stall, self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| Failure::of(&error)),
            Err(_) => Err(Failure::passing(format!("it stalls: nothing for {} s", self.stall.as_secs()))),
        }
    }
}

/// What a line says, if it says anything.
fn data(line: &[u8]) -> Result<Option<String>, Failure> {
    let text = std::str::from_utf8(line).map_err(|error| {
        Failure::passing(format!("its answer is not UTF-8 from byte {} of a line on", error.valid_up_to()))
    })?;
    let text = text.trim();
    if text.starts_with('{') {
        return Ok(Some(text.to_owned()));
    }
    // llama.cpp says `error:` where something fails in the middle of an answer.
    let data = text.strip_prefix("data:").or_else(|| text.strip_prefix("error:")).map(str::trim_start);
    Ok(data.filter(|data| !data.is_empty()).map(str::to_owned))
}
