//! `initialize`

use serde_json::Value;
use tower_lsp::gen_lsp_types::{InitializeParams, InitializeResult, RootPath, ServerInfo, WorkspaceFolders};

use crate::{capabilities::Profile, session::Session};

pub(crate) fn handle(session: &Session, params: &InitializeParams) -> InitializeResult {
    let given = params.initialization_options.as_ref().unwrap_or(&Value::Null);
    let (agreed, warnings) = Profile::agree(&params.capabilities, session.settings.clone(), given);
    for warning in warnings {
        session.complain(&warning);
    }
    // The service lets one `initialize` through.
    let profile = session.profile.get_or_init(|| agreed);
    let roots = roots(params);
    session.change_roots(roots.iter().map(String::as_str), []);
    let client = params.client_info.as_ref().map(|client| client.name.as_str());
    tracing::info!(client, encoding = ?profile.encoding, menu = profile.menu, ?roots, "initialized");
    InitializeResult {
        capabilities: profile.capabilities(),
        server_info: Some(ServerInfo {
            name: "pilotlight".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    }
}

/// The workspace's folders as URIs: what replaced what over the protocol's versions.
#[allow(deprecated)]
fn roots(params: &InitializeParams) -> Vec<String> {
    match (&params.workspace_folders_initialize_params.workspace_folders, &params.root_uri, &params.root_path) {
        (Some(WorkspaceFolders::WorkspaceFolderList(folders)), ..) => {
            folders.iter().map(|folder| folder.uri.to_string()).collect()
        }
        (_, Some(uri), _) => vec![uri.to_string()],
        (_, _, Some(RootPath::String(path))) => vec![format!("file://{path}")],
        _ => Vec::new(),
    }
}
