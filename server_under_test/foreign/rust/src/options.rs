//! The command line. `sioprobe serve` has checked it; other bad input ends in one line and code 2.

use std::process::exit;
use std::str::FromStr;
use std::time::Duration;

pub struct Options {
    pub host: String,
    pub port: u16,
    pub transports: Vec<String>,
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    /// Bytes.
    pub max_payload: u64,
}

impl Options {
    /// The options of this process.
    pub fn read() -> Self {
        let mut options = Options {
            host: "127.0.0.1".into(),
            port: 5000,
            transports: vec!["polling".into(), "websocket".into()],
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            max_payload: 1_000_000,
        };
        let mut words = std::env::args().skip(1);
        while let Some(name) = words.next() {
            let value = words
                .next()
                .unwrap_or_else(|| problem(format!("{name} needs a value")));
            match name.as_str() {
                "--host" => options.host = value,
                "--port" => options.port = number(&name, &value),
                "--transports" => options.transports = value.split(',').map(Into::into).collect(),
                "--ping-interval" => options.ping_interval = seconds(&name, &value),
                "--ping-timeout" => options.ping_timeout = seconds(&name, &value),
                "--max-payload" => options.max_payload = number(&name, &value),
                _ => problem(format!("unknown option {name}")),
            }
        }
        options
    }

    pub fn offers(&self, transport: &str) -> bool {
        self.transports.iter().any(|name| name == transport)
    }
}

fn number<T: FromStr>(name: &str, value: &str) -> T {
    value
        .parse()
        .unwrap_or_else(|_| problem(format!("{name} '{value}' is no number, or too large")))
}

fn seconds(name: &str, value: &str) -> Duration {
    Duration::try_from_secs_f64(number(name, value))
        .unwrap_or_else(|_| problem(format!("{name} '{value}' is no number of seconds")))
}

fn problem(line: String) -> ! {
    eprintln!("{line}");
    exit(2)
}
