//! What the modules have that a file imports from, and the file's other half: signatures only.

use std::collections::BTreeMap;

use pilotlight_syntax::index::{self, File, FileId, Index};

use super::{Here, Proposals, Surroundings, read, render};
use crate::Source;

/// Files that are shown this way at most.
const MOST_FILES: usize = 8;
/// Signatures of one file.
const MOST_SIGNATURES: usize = 96;
/// Files looked at for one name at most.
const MOST_LOOKED_AT: usize = 32;

pub(super) fn propose(here: &Here<'_>, around: &Surroundings<'_>, proposals: &mut Proposals) {
    let Some((own_id, own)) = around.file.and_then(|id| Some((id, around.index.file(id)?))) else { return };
    let index = around.index;
    let mut found: BTreeMap<FileId, (f32, Source)> = BTreeMap::new();
    let mut add = |id: FileId, gain: f32, source: Source| {
        let known = found.entry(id).or_insert((gain, source));
        if gain > known.0 {
            *known = (gain, source);
        }
    };
    let stem = index::stem(here.path);
    for id in around.named(&stem).take(MOST_LOOKED_AT) {
        if index.file(id).is_some_and(|file| index::stem(&file.path) == stem) {
            add(id, 0.5, Source::Sibling);
        }
    }
    for import in own.facts.imports.iter().take(64) {
        let module = index.text(import.module);
        // `use a::b` may mean the module `a/b` itself.
        let whole = import.name.map_or(module.to_owned(), |name| format!("{module}/{}", index.text(name)));
        for name in [module, &whole] {
            let Some(last) = name.split([':', '.', '/', '\\']).rfind(|part| !part.is_empty()) else { continue };
            let last = last.to_lowercase();
            let short = last.rsplit('_').next().unwrap_or(&last);
            let candidates = around.named(&last).chain(around.named(short).filter(|_| short != last));
            for id in candidates.take(MOST_LOOKED_AT) {
                let Some(file) = index.file(id) else { continue };
                let near = affinity(name, &file.path, Some(&own.path));
                if near > 0.74 {
                    add(id, 0.3 * near, Source::Module);
                }
            }
        }
    }
    let kept =
        found.into_iter().filter(|(id, _)| *id != own_id && index.file(*id).is_some_and(|file| file.root == own.root));
    let mut found: Vec<(f32, Source, FileId)> = kept.map(|(id, (gain, source))| (gain, source, id)).collect();
    found.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.2.cmp(&right.2)));
    for (gain, source, id) in found.into_iter().take(MOST_FILES) {
        if let Some((file, text)) = read(around, id) {
            proposals.add(source, &file.path, 0, signatures(index, file, &text), gain);
        }
    }
}

/// What a file defines at its outermost.
fn signatures(index: &Index, file: &File, text: &str) -> String {
    let mut out = String::new();
    let outer: Vec<_> =
        file.facts.definitions.iter().filter(|fact| fact.parent.is_none()).take(MOST_SIGNATURES).collect();
    render::listed(index, file, text, &outer, &mut out);
    out
}

/// How well a file's path is what a module's name says, from 0 to 1: the share of the name's parts that the path ends with, in order.
pub(super) fn affinity(module: &str, path: &str, from: Option<&str>) -> f32 {
    let known = |part: &&str| !matches!(*part, "" | "." | ".." | "crate" | "self" | "super" | "src" | "@");
    let bare = path.rsplit_once('.').map_or(path, |(bare, _)| bare);
    let filler = |part: &&str| !matches!(*part, "mod" | "lib" | "index" | "__init__" | "src" | "main");
    let have: Vec<&str> = bare.split('/').filter(filler).collect();
    // `./x` and `../x` are places, not names.
    let relative = module.starts_with('.') && module.contains('/');
    let module = match from {
        Some(from) if relative => resolve(from, module),
        _ => module.to_owned(),
    };
    let bare_module = if relative || module.ends_with(".h") || module.ends_with(".hpp") {
        module.rsplit_once('.').map_or(module.as_str(), |(bare, _)| bare)
    } else {
        &module
    };
    let parts: Vec<&str> = bare_module.split([':', '.', '/', '\\']).filter(known).filter(filler).collect();
    if parts.is_empty() {
        // `super`, `.`, `crate`: the neighbours.
        let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
        return from.map_or(0.0, |from| if folder(from) == folder(path) { 0.5 } else { 0.0 });
    }
    if relative && have == parts {
        return 1.0;
    }
    let mut at = have.len();
    let mut matched = 0;
    // What stands behind the last match is not the module, but a part of it.
    let mut depth = have.len();
    for part in parts.iter().rev() {
        let same = |have: &&str| {
            let (have, part) = (have.replace('-', "_"), part.replace('-', "_"));
            have == part || part.ends_with(&format!("_{have}"))
        };
        if let Some(found) = have[..at].iter().rposition(same) {
            if matched == 0 {
                depth = have.len() - found - 1;
            }
            at = found;
            matched += 1;
        }
    }
    let share = matched as f32 / parts.len() as f32;
    share / (1.0 + 0.15 * depth.min(4) as f32)
}

/// The path that `module` names from the folder of `from`.
fn resolve(from: &str, module: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in module.split('/') {
        match part {
            "." | "" => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_found_by_its_path() {
        let near = |module, path| affinity(module, path, Some("src/app/view.ts"));
        assert_eq!(near("crate::window", "server/context/src/window.rs"), 1.0);
        assert!(near("pilotlight_syntax::index", "server/syntax/src/index.rs") > 0.9);
        assert!(near("pilotlight_syntax", "server/syntax/src/snapshot.rs") > 0.6);
        assert!(near("./store", "src/app/store.ts") > 0.99);
        assert!(near("../store", "src/store.ts") > 0.99);
        assert!(near("./store", "src/app/store.ts") > near("./store", "src/other/store.ts"));
        assert!(near("os.path", "lib/json.py") < 0.1);
        assert!(near("dir/own.h", "include/dir/own.h") > 0.9);
        assert!(near("java.util", "src/util/List.java") < 0.6);
    }
}
