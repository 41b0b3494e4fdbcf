//! The layers of the source, read from its imports: what may use what, and where each crate has its home.
//!
//! Production code is held; unit tests may reach wherever they need to.

use std::collections::BTreeSet;

use circles::circles;
use source::{in_project, is_in, sources, sources_with_tests};

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/source.rs"]
mod source;

/// What a part of the source may use of the others; the longest prefix of a file's path counts.
///
/// The embedded server of `lab` is as low as `net`, so that the simulated network can have it; only the demo, which plans a run
/// against it, stands above `run`.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("proto", &["model"]),
    ("diagnose", &["model"]),
    ("render", &["model"]),
    ("text", &["model"]),
    ("net", &["model", "proto"]),
    ("signaling", &["model"]),
    ("peer", &["model", "proto"]),
    ("probe", &["model", "proto", "net", "signaling", "peer"]),
    ("responder", &["model", "proto", "net"]),
    ("run", &["model", "proto", "net", "signaling", "probe", "diagnose", "text"]),
    ("lab", &["model", "proto"]),
    ("lab/gateway", &["model", "signaling"]),
    ("lab/demo.rs", &["model", "net", "signaling", "probe", "run"]),
    ("cli", &["model", "proto", "diagnose", "render", "net", "signaling", "probe", "run", "lab", "responder", "text"]),
    ("main.rs", &["cli"]),
    ("lib.rs", &[]),
];

/// The home of every crate that callcheck depends on; one that nothing names here has none yet and must get one.
///
/// The lab's server writes STUN through `proto::incoming` and `proto::outgoing`, so `stun_codec` stays in `proto`. `lab/host` speaks
/// TLS as a server, with what `lab/certificates.rs` made.
const HOMES: &[(&str, &[&str])] = &[
    ("async_trait", &["net", "signaling", "run/call", "lab/gateway"]),
    ("axum", &["lab/gateway"]),
    ("base64", &["proto", "net/fetch.rs", "probe/proxy.rs", "signaling/websocket.rs"]),
    ("bytecodec", &["proto"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("colored", &["render", "cli/output.rs"]),
    ("comfy_table", &["render"]),
    ("crc32fast", &["proto"]),
    ("dns_lookup", &["net/resolver.rs"]),
    ("fluent_bundle", &["text.rs"]),
    ("futures", &["net", "probe", "run", "responder", "signaling/socket_io.rs", "lab/gateway"]),
    ("hickory_resolver", &["net", "probe/control.rs"]),
    ("hmac", &["proto/credentials.rs", "proto/raw.rs", "proto/responder", "proto/stamp.rs", "lab/authentication.rs"]),
    ("http_body_util", &["net/http.rs"]),
    ("httparse", &["signaling/websocket.rs"]),
    ("httpdate", &["probe/clock.rs"]),
    ("humantime", &["cli", "run", "render", "diagnose"]),
    ("hyper", &["net/http.rs"]),
    ("hyper_util", &["net/http.rs"]),
    ("native_tls", &["signaling/socket_io.rs"]),
    ("indicatif", &["cli/output.rs"]),
    ("md5", &["proto/stamp.rs"]),
    ("nix", &["net", "cli/network.rs"]),
    ("percent_encoding", &["net/fetch.rs"]),
    ("rand", &["net", "lab"]),
    ("rcgen", &["lab/certificates.rs"]),
    ("rpassword", &["cli/login.rs"]),
    ("rtc", &["peer"]),
    ("rtc_dtls", &["net", "lab/dtls.rs"]),
    ("rust_socketio", &["signaling/socket_io.rs"]),
    ("rustls", &["net", "lab/certificates.rs", "lab/dtls.rs", "lab/host"]),
    ("rustls_native_certs", &["net"]),
    ("schemars", &["model", "render/json.rs"]),
    ("serde", &["model", "cli"]),
    ("serde_json", &["render", "cli", "signaling", "lab/demo.rs", "lab/gateway"]),
    ("serde_path_to_error", &["cli/configuration.rs"]),
    (
        "sha1",
        &[
            "proto/credentials.rs",
            "proto/raw.rs",
            "proto/responder",
            "proto/stamp.rs",
            "lab/authentication.rs",
            "signaling/websocket.rs",
        ],
    ),
    ("socket2", &["net", "lab/host", "responder/ports.rs"]),
    ("socketioxide", &["lab/gateway"]),
    ("statrs", &["diagnose"]),
    ("stringprep", &["proto"]),
    ("stun_codec", &["proto"]),
    ("thiserror", &["model", "proto", "net", "signaling", "lab", "cli", "peer", "responder"]),
    ("tokio", &["net", "probe", "run", "responder", "signaling", "lab", "cli"]),
    ("tokio_rustls", &["net", "lab/host"]),
    ("toml", &["cli/configuration.rs"]),
    ("unic_langid", &["text.rs"]),
    ("url", &["net/fetch.rs", "cli/web_list.rs", "signaling"]),
    ("webrtc", &["peer"]),
    ("x509_parser", &["net"]),
];

/// A file longer than this does more than one thing.
const LONGEST_FILE: usize = 500;

#[test]
fn imports_point_down_only() {
    let mut complaints = Vec::new();
    for source in sources() {
        let allowed = allowed(&source.path);
        for name in source.uses() {
            if name != source.part() && !allowed.contains(&name.as_str()) {
                complaints.push(format!("{} uses {name}", source.path));
            }
        }
        if source.escapes_by_super() {
            complaints.push(format!("{} reaches the crate's root by super:: (write crate::)", source.path));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    let circles = circles(&sources);
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn a_crate_is_used_only_at_its_home() {
    let mut complaints = Vec::new();
    for source in sources() {
        for (krate, homes) in HOMES {
            if source.mentions(krate) && !homes.iter().any(|home| is_in(&source.path, home)) {
                complaints.push(format!("{} uses {krate}, whose home is {}", source.path, homes.join(", ")));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_dependency_has_a_home_and_is_used_there() {
    let manifest = std::fs::read_to_string(in_project("Cargo.toml")).expect("the manifest is readable");
    let manifest: toml::Table = manifest.parse().expect("the manifest is TOML");
    let dependencies = manifest["dependencies"].as_table().expect("dependencies are a table");
    let dependencies: BTreeSet<String> = dependencies.keys().map(|name| name.replace('-', "_")).collect();
    let homes: BTreeSet<String> = HOMES.iter().map(|(krate, _)| (*krate).to_owned()).collect();
    assert_eq!(dependencies, homes);

    let sources = sources();
    for (krate, homes) in HOMES {
        for home in *homes {
            let used = sources.iter().any(|source| is_in(&source.path, home) && source.mentions(krate));
            assert!(used, "{krate} is at home in {home}, but nothing there uses it");
        }
    }
}

#[test]
fn every_part_of_the_source_has_its_layer() {
    for source in sources() {
        assert!(LAYERS.iter().any(|(prefix, _)| is_in(&source.path, prefix)), "{} belongs to no layer", source.path);
    }
}

#[test]
fn every_file_opens_with_a_sentence_on_what_it_is_for() {
    for source in sources_with_tests() {
        // A macro's or a path's line would say nothing; the first words must be the module's documentation.
        let first = source.text.lines().next().unwrap_or_default();
        let opening: Vec<&str> = source.text.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let is_sentence = opening.iter().any(|line| line.trim_end().ends_with(['.', ':']));
        assert!(first.starts_with("//! ") && is_sentence, "{} opens with {first:?}", source.path);
    }
}

#[test]
fn no_file_is_longer_than_the_eye_can_follow() {
    let long = sources_with_tests().into_iter().map(|source| (source.text.lines().count(), source.path));
    let long: Vec<_> = long.filter(|(lines, _)| *lines > LONGEST_FILE).collect();
    assert!(long.is_empty(), "over {LONGEST_FILE} lines: {long:?}");
}

#[test]
fn nothing_is_unwrapped_without_a_reason() {
    for source in sources() {
        assert!(
            !source.code.contains(".unwrap()"),
            "{} has an unwrap(): use expect with the reason why it can't fail",
            source.path
        );
    }
}

#[test]
fn only_the_command_line_writes_to_the_standard_streams() {
    for source in sources().iter().filter(|source| source.part() != "cli") {
        for word in ["println!", "eprintln!", "print!(", "dbg!", "io::stdout", "io::stderr"] {
            assert!(!source.code.contains(word), "{} writes by {word}", source.path);
        }
    }
}

fn allowed(path: &str) -> &'static [&'static str] {
    let layers = LAYERS.iter().filter(|(prefix, _)| is_in(path, prefix));
    layers.max_by_key(|(prefix, _)| prefix.len()).map_or(&[], |(_, allowed)| allowed)
}
