//! Variables, read once at start and checked together; nothing else reads the environment.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Everything the program takes from its environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// `SEGMENT_CATALOG`, default `catalog.toml`: the operator's catalog.
    pub catalog: PathBuf,
    /// `SEGMENT_LAKE`, default `file://lake`: where the input tables are, `file://…` or `s3://bucket/prefix`.
    pub lake: String,
    /// `SEGMENT_STORE`, default the lake: where snapshots, models and segments go.
    pub store: String,
    /// `SEGMENT_CACHE_DIR`, default `segment-bot` in the system's temporary folder: local copies of S3 objects.
    pub cache_dir: PathBuf,
    /// `SEGMENT_CACHE_BYTES`, default 20000000000: how large that folder may grow.
    pub cache_bytes: u64,
    /// `SEGMENT_S3_PATH_STYLE`, default `false`: `true` for S3 servers without bucket host names.
    pub s3_path_style: bool,
    /// `DATABASE_URL`, no default: Postgres 14 or newer.
    pub database_url: Option<Secret>,
    /// What Slack needs; `None` when neither token nor secret is set.
    pub slack: Option<SlackConfig>,
    /// `SEGMENT_LISTEN`, default `127.0.0.1:8080`: address of the HTTP server.
    pub listen: SocketAddr,
    /// `SEGMENT_METRICS_TOKEN`, optional: whoever reads `/metrics` must send it; without it only who comes through no proxy may.
    pub metrics_token: Option<Secret>,
    /// `SEGMENT_WORKERS`, default 1: segment jobs at the same time in `serve`.
    pub workers: u16,
    /// `SEGMENT_THREADS`, default 0: threads for features, training and scoring; 0 means every core.
    pub threads: usize,
    /// `SEGMENT_MEMORY_BYTES`, default 4294967296: what `features build` may hold in memory; at least 536870912.
    pub memory_bytes: u64,
    /// `SEGMENT_SNAPSHOTS_KEPT`, default 30: newest snapshots that `features build` keeps; 0 keeps all.
    pub snapshots_kept: usize,
    /// `SEGMENT_LEASE_SECONDS`, default 30: how long a silent worker keeps its job.
    pub lease: Duration,
    /// `SEGMENT_JOBS_PER_PERSON`, default 2: segment jobs of one requester that may run together.
    pub jobs_per_person: u16,
    /// `SEGMENT_REQUESTS_KEPT_DAYS`, default 90: how long finished requests are remembered; 0 keeps all.
    pub requests_kept_days: u16,
    /// `SEGMENT_LOG_FORMAT`, default `text`: `text` or `json`.
    pub log_json: bool,
    /// `SEGMENT_LOG`, default `info`: filter directives such as `info,sqlx=warn`.
    pub log_filter: String,
}

/// What connects one Slack workspace.
#[derive(Debug, Clone)]
pub struct SlackConfig {
    /// `SLACK_BOT_TOKEN`: `xoxb-…`.
    pub bot_token: Secret,
    /// `SLACK_SIGNING_SECRET`.
    pub signing_secret: Secret,
    /// `SLACK_APP_TOKEN`, optional: `xapp-…`; when set, Slack is reached over Socket Mode.
    pub app_token: Option<Secret>,
    /// `SLACK_API_URL`, default `https://slack.com/api`.
    pub api_url: String,
    /// `SLACK_ADMINS`, optional: user ids, separated by commas, that may cancel anybody's request.
    pub admins: Vec<String>,
    /// `SLACK_OPERATORS_CHANNEL`, optional: id of the channel that hears of failures that the operator has to look at.
    pub operators_channel: Option<String>,
}

/// Whether log lines are JSON.
struct LogFormat(bool);

impl std::str::FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(Self(false)),
            "json" => Ok(Self(true)),
            _ => Err(()),
        }
    }
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself; not for logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} characters]", self.0.len())
    }
}

/// Variables that are missing or cannot be used, all of them at once.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct ConfigError {
    pub problems: Vec<String>,
}

impl ConfigError {
    fn one(problem: impl Into<String>) -> Self {
        Self { problems: vec![problem.into()] }
    }
}

impl Config {
    /// Reads the process's environment.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads variables through `lookup`; an empty value counts as unset.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut vars = Vars { lookup, problems: Vec::new() };
        let lake = vars.text("SEGMENT_LAKE", "file://lake");
        let config = Self {
            catalog: vars.text("SEGMENT_CATALOG", "catalog.toml").into(),
            store: vars.text("SEGMENT_STORE", &lake),
            lake,
            cache_dir: vars
                .optional("SEGMENT_CACHE_DIR")
                .map_or_else(|| std::env::temp_dir().join("segment-bot"), PathBuf::from),
            cache_bytes: vars.parsed("SEGMENT_CACHE_BYTES", 20_000_000_000, "a number of bytes"),
            s3_path_style: vars.parsed("SEGMENT_S3_PATH_STYLE", false, "true or false"),
            database_url: vars.optional("DATABASE_URL").map(Secret),
            slack: vars.slack(),
            listen: vars.parsed("SEGMENT_LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080)), "host:port"),
            metrics_token: vars.optional("SEGMENT_METRICS_TOKEN").map(Secret),
            workers: vars.parsed("SEGMENT_WORKERS", 1, "a small whole number"),
            threads: vars.parsed("SEGMENT_THREADS", 0, "a whole number, 0 for every core"),
            memory_bytes: vars.parsed("SEGMENT_MEMORY_BYTES", 4 << 30, "a number of bytes"),
            snapshots_kept: vars.parsed("SEGMENT_SNAPSHOTS_KEPT", 30, "a whole number, 0 for all"),
            lease: Duration::from_secs(vars.parsed("SEGMENT_LEASE_SECONDS", 30, "a number of seconds").max(2)),
            jobs_per_person: vars.parsed("SEGMENT_JOBS_PER_PERSON", 2, "a small whole number"),
            requests_kept_days: vars.parsed("SEGMENT_REQUESTS_KEPT_DAYS", 90, "a number of days, 0 for all"),
            log_json: vars.parsed("SEGMENT_LOG_FORMAT", LogFormat(false), "text or json").0,
            log_filter: vars.text("SEGMENT_LOG", "info"),
        };
        if [&config.lake, &config.store].iter().any(|place| place.starts_with("s3://")) {
            vars.check_s3();
        }
        if vars.problems.is_empty() { Ok(config) } else { Err(ConfigError { problems: vars.problems }) }
    }

    /// The database, or which variable to set.
    pub fn require_database(&self) -> Result<&Secret, ConfigError> {
        self.database_url
            .as_ref()
            .ok_or_else(|| ConfigError::one("DATABASE_URL is not set; it names the Postgres that holds the queue"))
    }

    /// Slack's variables, or which to set.
    pub fn require_slack(&self) -> Result<&SlackConfig, ConfigError> {
        self.slack.as_ref().ok_or_else(|| {
            ConfigError::one(
                "SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET are not set; Slack shows both on the app's pages",
            )
        })
    }
}

struct Vars<F> {
    lookup: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Vars<F> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str, default: &str) -> String {
        self.optional(name).unwrap_or_else(|| default.to_owned())
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str, default: T, what: &str) -> T {
        let Some(value) = self.optional(name) else { return default };
        value.parse().unwrap_or_else(|_| {
            self.problems.push(format!("{name} is `{value}`, which is not {what}"));
            default
        })
    }

    /// The client of S3 would pass over an address that is none and ask AWS instead, and could not sign with a broken line.
    fn check_s3(&mut self) {
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
            if let Some(value) = self.optional(name).filter(|value| !is_web_address(value)) {
                self.problems.push(format!(
                    "{name} is `{value}`, which is no address of a server; write it like https://storage.example.com:9000"
                ));
            }
        }
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"] {
            let strange = |letter: char| letter.is_whitespace() || letter.is_control() || matches!(letter, '"' | '\'');
            if self.optional(name).is_some_and(|value| value.contains(strange)) {
                self.problems
                    .push(format!("{name} holds a space, a quotation mark or the end of a line; set it without"));
            }
        }
    }

    fn slack(&mut self) -> Option<SlackConfig> {
        let (token, secret) = (self.optional("SLACK_BOT_TOKEN"), self.optional("SLACK_SIGNING_SECRET"));
        let (bot_token, signing_secret) = match (token, secret) {
            (Some(token), Some(secret)) => (Secret(token), Secret(secret)),
            (None, None) => return None,
            (None, Some(_)) => {
                self.problems.push("SLACK_SIGNING_SECRET is set but SLACK_BOT_TOKEN is not".to_owned());
                return None;
            }
            (Some(_), None) => {
                self.problems.push("SLACK_BOT_TOKEN is set but SLACK_SIGNING_SECRET is not".to_owned());
                return None;
            }
        };
        let admins = self.text("SLACK_ADMINS", "");
        Some(SlackConfig {
            bot_token,
            signing_secret,
            app_token: self.optional("SLACK_APP_TOKEN").map(Secret),
            api_url: self.text("SLACK_API_URL", "https://slack.com/api"),
            admins: admins.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect(),
            operators_channel: self.optional("SLACK_OPERATORS_CHANNEL"),
        })
    }
}

fn is_web_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let bracketed = host.starts_with('[') == host.ends_with(']');
    !host.is_empty()
        && bracketed
        && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control())
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(set: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let set: Vec<(String, String)> = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::from_lookup(|name| set.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
    }

    #[test]
    fn everything_has_a_default_but_the_database_and_slack() {
        let config = config(&[]).unwrap();
        assert_eq!(config.store, config.lake);
        insta::assert_snapshot!(config.require_database().unwrap_err(), @"DATABASE_URL is not set; it names the Postgres that holds the queue");
        insta::assert_snapshot!(config.require_slack().unwrap_err(), @"SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET are not set; Slack shows both on the app's pages");
    }

    #[test]
    fn wrong_values_are_reported_together() {
        let error = config(&[
            ("SEGMENT_WORKERS", "many"),
            ("SEGMENT_LISTEN", "here"),
            ("SEGMENT_LOG_FORMAT", "yaml"),
            ("SLACK_BOT_TOKEN", "xoxb-1"),
        ]);
        insta::assert_snapshot!(error.unwrap_err(), @"
        SLACK_BOT_TOKEN is set but SLACK_SIGNING_SECRET is not
        SEGMENT_LISTEN is `here`, which is not host:port
        SEGMENT_WORKERS is `many`, which is not a small whole number
        SEGMENT_LOG_FORMAT is `yaml`, which is not text or json
        ");
    }

    #[test]
    fn what_the_client_of_s3_cannot_use_is_refused_where_it_is_used() {
        let lake = ("SEGMENT_LAKE", "s3://data/lake");
        for address in ["127.0.0.1:9000", "s3.example.com", "http://", "http://[::", "http://a b", "https://a:port"] {
            let error = config(&[lake, ("AWS_ENDPOINT_URL", address)]).unwrap_err().to_string();
            assert!(error.contains("AWS_ENDPOINT_URL is") && error.contains("https://storage"), "{error}");
            assert!(config(&[("AWS_ENDPOINT_URL", address)]).is_ok(), "a folder needs no address");
        }
        for address in ["http://127.0.0.1:9000", "https://s3.example.com", "http://[::1]:9000/", "http://[::1]", ""] {
            assert!(config(&[lake, ("AWS_ENDPOINT_URL", address)]).is_ok(), "{address}");
        }
        let error = config(&[lake, ("AWS_SECRET_ACCESS_KEY", "hunter2\r")]).unwrap_err().to_string();
        assert!(error.contains("AWS_SECRET_ACCESS_KEY holds") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let config = config(&[("DATABASE_URL", "postgres://u:hunter2@h/d")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
