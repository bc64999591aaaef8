//! The client that doesn't wait: requests arrive when they are due (Poisson), whether or not those before were answered.
//! A latency counts from when a request is sent; from when it was due, where every connection was still waiting for an answer: a
//! service that keeps its clients waiting can't hide it, and isn't charged with the client's own slowness.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aiguilleur_testkit::raw::{self, Raw};
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{FutureExt, future};
use hdrhistogram::Histogram;

use crate::Failure;
use crate::load::micros;

/// Connections that requests are spread over: more than can be under way.
const CONNECTIONS: usize = 512;

/// What arrives, and how often.
#[derive(Clone)]
pub struct Arrivals {
    pub address: String,
    /// Requests as written on the line, asked in their order, again and again.
    pub asks: Arc<Vec<String>>,
    pub per_s: f64,
}

/// What became of them; latencies in microseconds.
pub struct Arrived {
    pub admitted: Histogram<u64>,
    pub refused: Histogram<u64>,
    /// Of every request, how long after it was due it was sent.
    pub sent_late: Histogram<u64>,
}

impl Arrived {
    pub fn p99_us(&self) -> f64 {
        micros(self.admitted.value_at_quantile(0.99))
    }

    pub fn count(&self) -> f64 {
        micros(self.admitted.len() + self.refused.len())
    }
}

impl Arrivals {
    pub fn of_paths(address: &str, paths: &[String], per_s: f64) -> Self {
        Self { address: address.to_owned(), asks: Arc::new(paths.iter().map(|path| raw::get(path)).collect()), per_s }
    }

    pub fn at(&self, per_s: f64) -> Self {
        Self { per_s, ..self.clone() }
    }

    /// On a thread of its own. An answer that is neither a 2xx nor a 503 or 429 that says when to come back ends it as a failure.
    pub async fn for_seconds(&self, seconds: f64) -> Result<Arrived, Failure> {
        let arrivals = self.clone();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(arrivals.run(Duration::from_secs_f64(seconds)))
        };
        tokio::task::spawn_blocking(run).await?
    }

    async fn run(&self, lasting: Duration) -> Result<Arrived, Failure> {
        // In turn: one that is silent for too long at first is cut.
        let mut idle = VecDeque::from(future::join_all((0..CONNECTIONS).map(|_| Raw::connect(&self.address))).await);
        let mut random = fastrand::Rng::with_seed(crate::SEED);
        let mut arrived = Arrived { admitted: histogram()?, refused: histogram()?, sent_late: histogram()? };
        let mut asks = self.asks.iter().cycle();
        let mut under_way = FuturesUnordered::new();
        let began = Instant::now();
        let mut due = began;
        // No connection was free when the next request was due.
        let mut kept_waiting = false;
        // Timers are no finer than a millisecond: it looks at the clock all the time, on a core of its own.
        loop {
            let now = Instant::now();
            while due <= now && due < began + lasting {
                let Some(client) = idle.pop_front() else {
                    kept_waiting = true;
                    break;
                };
                let Some(ask) = asks.next() else { break };
                arrived.sent_late.record(u64::try_from((now - due).as_micros())?)?;
                under_way.push(self.ask_once(client, ask, if kept_waiting { due } else { Instant::now() }));
                due += Duration::from_secs_f64(-(1.0 - random.f64()).ln() / self.per_s);
            }
            kept_waiting &= due <= now;
            while let Some(Some(answered)) = under_way.next().now_or_never() {
                let (client, is_admitted, latency) = answered?;
                let histogram = if is_admitted { &mut arrived.admitted } else { &mut arrived.refused };
                histogram.record(u64::try_from(latency.as_micros())?)?;
                idle.push_back(client);
            }
            if due >= began + lasting && under_way.is_empty() {
                return Ok(arrived);
            }
            tokio::task::yield_now().await;
        }
    }

    /// A connection for the next, whether the request was admitted, and how long after an instant it was answered.
    async fn ask_once(&self, mut client: Raw, ask: &str, since: Instant) -> Result<(Raw, bool, Duration), Failure> {
        client.write(ask).await;
        let answer = client.answer().await.ok_or("the connection was closed without an answer")?;
        let latency = since.elapsed();
        match answer.status {
            200..=299 => Ok((client, true, latency)),
            429 | 503 if answer.says("retry-after", "") => {
                // A body that was refused unread goes with its connection.
                let closes = answer.says("connection", "close");
                Ok((if closes { Raw::connect(&self.address).await } else { client }, false, latency))
            }
            status => Err(format!("answered {status}: {}", String::from_utf8_lossy(&answer.body)).into()),
        }
    }
}

/// From a microsecond to a minute, to three figures.
fn histogram() -> Result<Histogram<u64>, Failure> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}
