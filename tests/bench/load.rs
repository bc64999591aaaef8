//! The client: keep-alive connections that each ask again as soon as they are answered, on one thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Failure;

pub type Ask = Request<Full<Bytes>>;

/// What is asked, and of whom.
#[derive(Clone)]
pub struct Load {
    /// `127.0.0.1:port`.
    pub host: String,
    pub connections: usize,
    /// The n-th request of the run.
    pub ask: Arc<dyn Fn(u64) -> Ask + Send + Sync>,
}

/// What a run gave.
pub struct Measured {
    pub per_s: f64,
    /// Microseconds from the request's first byte to the answer's last.
    pub latency: Histogram<u64>,
    /// Lengths of the bodies, in bytes.
    pub sizes: Histogram<u64>,
}

impl Measured {
    pub fn p99_us(&self) -> f64 {
        micros(self.latency.value_at_quantile(0.99))
    }

    pub fn slowest_us(&self) -> f64 {
        micros(self.latency.max())
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a request, far below 2^52")]
pub fn micros(value: u64) -> f64 {
    value as f64
}

impl Load {
    /// The same GETs again and again, in their order.
    pub fn of_paths(address: &str, connections: usize, paths: &[String]) -> Self {
        let host = address.trim_start_matches("http://").to_owned();
        let asks: Vec<Ask> = paths.iter().map(|path| get(&host, path)).collect();
        let ask = move |number: u64| asks[usize::try_from(number).unwrap_or_default() % asks.len()].clone();
        Self { host, connections, ask: Arc::new(ask) }
    }

    pub async fn for_seconds(&self, seconds: f64) -> Result<Measured, Failure> {
        let load = self.clone();
        let run = move || {
            let end = Instant::now() + Duration::from_secs_f64(seconds);
            load.run(move || Instant::now() >= end)
        };
        tokio::task::spawn_blocking(run).await?
    }

    /// Runs beside whatever the caller does, until told to stop.
    pub fn in_background(&self) -> Background {
        let stop = Arc::new(AtomicBool::new(false));
        let (load, told) = (self.clone(), stop.clone());
        Background { stop, run: tokio::task::spawn_blocking(move || load.run(move || told.load(Ordering::Relaxed))) }
    }

    /// Any answer but a 2xx ends the run as a failure, with what was answered.
    fn run(&self, is_over: impl Fn() -> bool + Clone) -> Result<Measured, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let next = AtomicU64::new(0);
        runtime.block_on(async {
            let connecting: Vec<_> = (0..self.connections).map(|_| connect(&self.host)).collect();
            let connections = try_join_all(connecting).await?;
            let began = Instant::now();
            let asking = connections.into_iter().map(|connection| self.keep_asking(connection, &next, is_over.clone()));
            let parts = try_join_all(asking).await?;
            let seconds = began.elapsed().as_secs_f64();
            let mut whole = (histogram()?, histogram()?);
            for (latency, sizes) in parts {
                whole.0.add(latency)?;
                whole.1.add(sizes)?;
            }
            Ok(Measured { per_s: micros(whole.0.len()) / seconds, latency: whole.0, sizes: whole.1 })
        })
    }

    async fn keep_asking(
        &self,
        mut connection: http1::SendRequest<Full<Bytes>>,
        next: &AtomicU64,
        is_over: impl Fn() -> bool,
    ) -> Result<(Histogram<u64>, Histogram<u64>), Failure> {
        let (mut latency, mut sizes) = (histogram()?, histogram()?);
        while !is_over() {
            let ask = (self.ask)(next.fetch_add(1, Ordering::Relaxed));
            let asked = Instant::now();
            connection.ready().await?;
            let answer = connection.send_request(ask).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            latency.record(u64::try_from(asked.elapsed().as_micros())?)?;
            sizes.record(u64::try_from(body.len())?)?;
            if !status.is_success() {
                return Err(format!("{} answered {status}: {}", self.host, String::from_utf8_lossy(&body)).into());
            }
        }
        Ok((latency, sizes))
    }
}

/// A run that goes on until [`Background::stop`].
pub struct Background {
    stop: Arc<AtomicBool>,
    run: tokio::task::JoinHandle<Result<Measured, Failure>>,
}

impl Background {
    pub async fn stop(mut self) -> Result<Measured, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        (&mut self.run).await?
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

async fn connect(host: &str) -> Result<http1::SendRequest<Full<Bytes>>, Failure> {
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Without Accept-Encoding: compressing is not what is measured.
fn get(host: &str, path: &str) -> Ask {
    Request::get(path).header(header::HOST, host).body(Full::default()).expect("a sound request")
}

/// From a microsecond to a minute, to three figures.
fn histogram() -> Result<Histogram<u64>, Failure> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}
