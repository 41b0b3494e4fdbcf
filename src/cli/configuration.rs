//! `callcheck.toml`: what a call needs and nobody wants to type, with secrets by the name of a variable or file.
//!
//! `NAME_env` stands for the variable of the environment and `NAME_file` for the first line of the file that has the value of NAME.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::usage::Usage;
use super::{input, login};

/// The file that is read where it is there, from the working folder and then from the user's folder of configurations.
const USUAL_NAME: &str = "callcheck.toml";

/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 1 << 20;

/// A configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The STUN and TURN servers.
    #[serde(default)]
    ice_servers: Vec<Map<String, Value>>,
    /// The gateway.
    pub signaling: Option<Signaling>,
    /// The policy, `all` or `relay`.
    pub policy: Option<String>,
    /// How long media flows.
    pub duration: Option<String>,
    /// Where it was read.
    #[serde(skip)]
    pub file: PathBuf,
}

/// The gateway.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signaling {
    /// Its URL.
    pub url: Option<String>,
    /// The chat to call in: a text or a number.
    pub chat_id: Option<Value>,
    /// The path of its Engine.IO endpoint.
    pub path: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// `both`, `websocket` or `polling`.
    pub transports: Option<String>,
    /// The origin of the application's page.
    pub origin: Option<String>,
    /// Headers of every request.
    #[serde(default)]
    pub headers: Map<String, Value>,
    /// Parameters of every request.
    #[serde(default)]
    pub query: Map<String, Value>,
    /// The caller's login.
    #[serde(default)]
    pub caller: Account,
    /// The callee's login.
    #[serde(default)]
    pub callee: Account,
    /// Other names of events.
    #[serde(default)]
    pub events: BTreeMap<String, String>,
    /// Other names of fields.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
}

/// An account at the gateway.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// What is sent to log in.
    #[serde(default)]
    pub auth: Map<String, Value>,
}

impl Configuration {
    /// Reads the file that was named, or the usual one where it is there.
    pub fn read(named: Option<&Path>) -> Result<Self, Usage> {
        let Some(file) = named.map(Path::to_owned).or_else(usual_file) else { return Ok(Self::default()) };
        let shown = file.display().to_string();
        let text = input::read_text(&shown, "--config", LONGEST_FILE)?;
        let wrong = |why: String| Usage(format!("invalid value {shown:?} for --config: {why}"));
        let table: toml::Table = toml::from_str(&text).map_err(|error| wrong(no_toml(&text, &error)))?;
        let mut configuration = Self::of(&table)?;
        configuration.file = file;
        Ok(configuration)
    }

    /// What a file's table says.
    fn of(table: &toml::Table) -> Result<Self, Usage> {
        serde_path_to_error::deserialize(table.clone()).map_err(|error| unfit(table, &error))
    }

    /// The list of ICE servers as a browser has it, in JSON, with its secrets filled in; nothing where there is none.
    pub fn ice_servers(&self) -> Result<Option<String>, Usage> {
        if self.ice_servers.is_empty() {
            return Ok(None);
        }
        let filled: Result<Vec<Value>, Usage> =
            self.ice_servers.iter().map(|entry| filled(entry, "ice_servers").map(Value::Object)).collect();
        Ok(Some(json!(filled?).to_string()))
    }
}

/// Where a file is no TOML; the line itself may hold a secret.
fn no_toml(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
    format!("line {line}: {}", error.message().replace('\n', " "))
}

/// Names the key that doesn't fit, and its value unless it may be secret.
fn unfit(table: &toml::Table, error: &serde_path_to_error::Error<toml::de::Error>) -> Usage {
    let key = error.path().to_string();
    let message = error.inner().message();
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let (name, known) = rest.split_once(", ").unwrap_or((rest, "there are none"));
        let within = key.rsplit_once('.').map_or(String::new(), |(within, _)| format!("{within}."));
        return Usage(format!("unknown key {within}{}: {known}", name.trim_matches('`')));
    }
    // The library's own words quote the value.
    let why = message.split_once("expected ").map_or("it has another form", |(_, expected)| expected);
    let value = value_at(table, &key).filter(|_| !is_secret(&key));
    let value = value.map_or_else(String::new, |value| format!(" {}", shown(value)));
    Usage(format!("invalid value{value} for {key}: it must be {why}"))
}

fn value_at<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    let mut names = key.split('.');
    let first = table.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

/// Whether what stands there may be a login.
fn is_secret(key: &str) -> bool {
    ["ice_servers", "signaling.headers", "signaling.query", "signaling.caller", "signaling.callee", "signaling.url"]
        .iter()
        .any(|secret| key.starts_with(secret))
}

/// What a value is in a line; what has others in it may have secrets there.
fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::Table(_) => "{…}".to_owned(),
        toml::Value::Array(_) => "[…]".to_owned(),
        toml::Value::String(_)
        | toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_) => value.to_string(),
    }
}

/// The same table with the values of `NAME_env` and `NAME_file` as NAME.
pub fn filled(table: &Map<String, Value>, place: &str) -> Result<Map<String, Value>, Usage> {
    let mut filled = Map::new();
    for (key, value) in table {
        let key_in_file = format!("{place}.{key}");
        if let Value::Object(inner) = value {
            filled.insert(key.clone(), Value::Object(self::filled(inner, &key_in_file)?));
        } else if let (Some(name), Value::String(variable)) = (key.strip_suffix("_env"), value) {
            let secret = login::variable(variable)?.ok_or_else(|| unset(&key_in_file, variable))?;
            filled.insert(name.to_owned(), secret.expose().into());
        } else if let (Some(name), Value::String(file)) = (key.strip_suffix("_file"), value) {
            let secret = login::read(Path::new(file), &key_in_file)?;
            filled.insert(name.to_owned(), secret.expose().into());
        } else if key.ends_with("_env") || key.ends_with("_file") {
            return Err(Usage(format!("invalid value {value} for {key_in_file}: it must be the name of a variable or file")));
        } else {
            filled.insert(key.clone(), value.clone());
        }
    }
    Ok(filled)
}

fn unset(key: &str, variable: &str) -> Usage {
    Usage(format!("invalid value {variable:?} for {key}: no such variable is set in the environment"))
}

fn usual_file() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
    let usual = [Some(PathBuf::from(USUAL_NAME)), folder.map(|folder| folder.join("callcheck").join(USUAL_NAME))];
    usual.into_iter().flatten().find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_is_read() {
        let text = r#"
            ice_servers = [ { urls = ["stun:turn.example.org", "turn:turn.example.org"], username = "alice", credential = "x" } ]

            [signaling]
            url = "https://chat.example.org"
            chat_id = "42"
            path = "/socket.io/"
            caller.auth = { token = "a" }
            callee.auth = { token = "b" }

            [signaling.events]
            end = "call:end"

            [signaling.keys]
            chat_id = "chatId"
        "#;
        let configuration: Configuration = toml::from_str(text).expect("a right file");
        assert!(configuration.ice_servers().expect("no secrets").expect("servers").contains("turn:turn.example.org"));
        let signaling = configuration.signaling.expect("a gateway");
        assert_eq!(signaling.caller.auth["token"], "a");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let named = |text: &str| {
            let table = toml::from_str(text).expect("it is TOML");
            Configuration::of(&table).expect_err("it doesn't fit").to_string()
        };
        assert!(
            named("[signaling]\nurI = 'x'").starts_with("unknown key signaling.urI: "),
            "{}",
            named("[signaling]\nurI = 'x'")
        );
        assert!(named("polici = 'x'").starts_with("unknown key polici: "));
        assert!(named("[signaling]\ncaller.aut = {}").starts_with("unknown key signaling.caller.aut: "));
        assert_eq!(named("policy = 7"), "invalid value 7 for policy: it must be a string");
        assert_eq!(named("[signaling.events]\nend = true"), "invalid value true for signaling.events.end: it must be a string");
        assert_eq!(named("signaling.caller.auth = 'north'"), "invalid value for signaling.caller.auth: it must be a map");
    }

    #[test]
    fn a_line_that_is_no_toml_is_named_by_its_number_and_not_shown() {
        let text = "policy = 'all'\n[signaling]\ncaller.auth = { token = north }";
        let error = toml::from_str::<toml::Table>(text).expect_err("it is no TOML");
        let told = no_toml(text, &error);
        assert!(told.starts_with("line 3: ") && !told.contains("north") && !told.contains('\n'), "{told}");
    }

    #[test]
    fn a_variable_that_is_missing_is_named_with_its_key() {
        let table = json!({"token_env": "CALLCHECK_TEST_NOT_SET"});
        let error = filled(table.as_object().expect("a table"), "signaling.caller.auth").expect_err("it isn't set");
        assert!(error.to_string().contains("signaling.caller.auth.token_env"), "{error}");
    }
}
