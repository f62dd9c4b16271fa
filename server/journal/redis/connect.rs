//! Reaches Redis, again and again.
//!
//! One connection for the whole journal. When it breaks the next one is tried at once, and after that in pauses that
//! grow and differ by chance, so that many nodes do not come back as one wave. Whoever asks meanwhile hears at once
//! that Redis is away. The library's own manager is not used: an answer that is no failure of the network, such as a
//! changed password, leaves it broken for good.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionInfo, ErrorKind, RedisError, RedisResult,
    TlsCertificates, TlsMode, Value,
};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::failure::describe;
use super::link::Link;
use super::options::{RedisOptions, RedisUrl, Topology};

/// Pause after the first attempt that failed; it doubles with each further one.
pub(super) const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest pause between attempts: a Redis that is back is found within it.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(1);
/// What a cluster's library does by itself when a node is not the right one any more; beyond it we ask again.
const CLUSTER_RETRIES: u32 = 3;

/// A pause that grows with every failure, by chance between half of it and all.
pub(super) fn pause(failures: u32) -> Duration {
    let whole = PAUSE_MIN.saturating_mul(1 << failures.min(10)).min(PAUSE_MAX);
    let mut chance = [0_u8; 1];
    // Without chance everybody waits the whole pause, which is right, too.
    let part = getrandom::fill(&mut chance).map_or(u8::MAX, |()| chance[0]);
    whole / 2 + (whole / 2) * u32::from(part) / u32::from(u8::MAX)
}

/// Makes the connection, and makes it anew.
pub(super) struct Connector {
    options: RedisOptions,
    certificates: Option<TlsCertificates>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    link: Option<Link>,
    /// Counts connections, so that only the present one can be given up.
    count: u64,
    failures: u32,
    not_before: Option<Instant>,
    problem: String,
}

/// A connection, and which.
pub(super) struct Linked {
    pub(super) link: Link,
    pub(super) count: u64,
    /// Whether it was made just now.
    pub(super) is_new: bool,
}

impl Connector {
    pub(super) fn new(options: RedisOptions, certificates: Option<TlsCertificates>) -> Self {
        Self { options, certificates, state: Mutex::default() }
    }

    pub(super) fn options(&self) -> &RedisOptions {
        &self.options
    }

    /// The connection; made if there is none, unless that failed a moment ago.
    pub(super) async fn link(&self) -> Result<Linked, String> {
        let mut state = self.state.lock().await;
        if let Some(link) = &state.link {
            return Ok(Linked { link: link.clone(), count: state.count, is_new: false });
        }
        if state.not_before.is_some_and(|at| Instant::now() < at) {
            return Err(state.problem.clone());
        }
        // The library's own limits are per step; this one is for all of them together.
        let limit = self.options.connect_timeout() + self.options.response_timeout();
        let made = match tokio::time::timeout(limit, self.greet()).await {
            Ok(made) => made.map_err(|error| describe(&error)),
            Err(_) => Err(format!("Redis: no connection within {limit:?}")),
        };
        match made {
            Ok(link) => {
                state.link = Some(link.clone());
                state.count += 1;
                (state.failures, state.not_before) = (0, None);
                Ok(Linked { link, count: state.count, is_new: true })
            }
            Err(problem) => {
                state.not_before = Some(Instant::now() + pause(state.failures));
                state.failures += 1;
                state.problem.clone_from(&problem);
                Err(problem)
            }
        }
    }

    /// Gives a connection up: whoever asks next makes a new one.
    pub(super) async fn give_up(&self, count: u64) {
        let mut state = self.state.lock().await;
        if state.count == count {
            state.link = None;
        }
    }

    /// A connection that answers: without a password, and while Redis reads its file, one is made and then of no use.
    async fn greet(&self) -> RedisResult<Link> {
        let mut link = self.connect().await?;
        link.ask_primaries::<Value>(redis::cmd("PING")).await?;
        Ok(link)
    }

    async fn connect(&self) -> RedisResult<Link> {
        match (self.options.topology, self.options.urls.first()) {
            (_, None) => Err(RedisError::from((ErrorKind::InvalidClientConfig, "there is no address"))),
            (Topology::Single, Some(url)) => self.server(self.client(&url.0)?).await,
            (Topology::Sentinel, Some(_)) => {
                let client = self.sentinel()?.async_get_client().await?;
                self.server(client).await
            }
            (Topology::Cluster, Some(_)) => Ok(Link::Cluster(self.cluster()?.get_async_connection().await?)),
        }
    }

    async fn server(&self, client: Client) -> RedisResult<Link> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.options.connect_timeout()))
            .set_response_timeout(Some(self.options.response_timeout()));
        let connection: MultiplexedConnection = client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Link::Server(connection))
    }

    fn client(&self, info: &ConnectionInfo) -> RedisResult<Client> {
        let info = with_nodelay(info);
        match self.certificates.clone().filter(|_| RedisUrl(info.clone()).is_secure()) {
            Some(certificates) => Client::build_with_tls(info, certificates),
            None => Client::open(info),
        }
    }

    fn sentinel(&self) -> RedisResult<SentinelClient> {
        let missing = || RedisError::from((ErrorKind::InvalidClientConfig, "what the sentinels watch has no name"));
        let primary = self.options.primary.as_ref().ok_or_else(missing)?;
        let name = primary.host().ok_or_else(missing)?;
        let sentinels = self.options.urls.iter().map(|url| url.0.addr().clone());
        let mut builder = SentinelClientBuilder::new(sentinels, name, SentinelServerType::Master)?
            .set_client_to_redis_tcp_settings(nodelay());
        let settings = primary.0.redis_settings();
        builder = builder.set_client_to_redis_db(settings.db());
        if let Some(user) = settings.username() {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = settings.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        let sentinel = self.options.urls.first().map(|url| url.0.redis_settings());
        if let Some(user) = sentinel.and_then(|settings| settings.username()) {
            builder = builder.set_client_to_sentinel_username(user);
        }
        if let Some(password) = sentinel.and_then(|settings| settings.password()) {
            builder = builder.set_client_to_sentinel_password(password);
        }
        if primary.is_secure() {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
            if let Some(certificates) = &self.certificates {
                builder = builder
                    .set_client_to_redis_certificates(certificates.clone())
                    .set_client_to_sentinel_certificates(certificates.clone());
            }
        }
        builder.build()
    }

    fn cluster(&self) -> RedisResult<ClusterClient> {
        let nodes = self.options.urls.iter().map(|url| url.0.clone());
        let mut builder = ClusterClient::builder(nodes)
            .retries(CLUSTER_RETRIES)
            .min_retry_wait(millis(PAUSE_MIN))
            .max_retry_wait(millis(PAUSE_MAX))
            .tcp_settings(nodelay())
            .connection_timeout(self.options.connect_timeout())
            .response_timeout(self.options.response_timeout())
            .overall_response_timeout(Some(self.options.response_timeout() + self.options.patience()));
        if let Some(certificates) = &self.certificates {
            builder = builder.certs(certificates.clone());
        }
        builder.build()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A change waits for its answer: it must not wait for more to be sent with it.
fn nodelay() -> redis::io::tcp::TcpSettings {
    redis::io::tcp::TcpSettings::default().set_nodelay(true)
}

fn with_nodelay(info: &ConnectionInfo) -> ConnectionInfo {
    info.clone().set_tcp_settings(nodelay())
}

/// Reads the certificates that the settings name.
pub(super) fn certificates(options: &RedisOptions) -> std::io::Result<Option<TlsCertificates>> {
    let read = |file: &std::path::Path| {
        std::fs::read(file).map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", file.display())))
    };
    let root_cert = options.ca_file.as_deref().map(read).transpose()?;
    let client_tls = match (&options.cert_file, &options.key_file) {
        (Some(cert), Some(key)) => Some(ClientTlsConfig { client_cert: read(cert)?, client_key: read(key)? }),
        _ => None,
    };
    Ok((root_cert.is_some() || client_tls.is_some()).then_some(TlsCertificates { client_tls, root_cert }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_are_not_all_alike() {
        for (failures, whole) in [(0, PAUSE_MIN), (2, PAUSE_MIN * 4), (40, PAUSE_MAX)] {
            let pauses: Vec<_> = (0..50).map(|_| pause(failures)).collect();
            assert!(pauses.iter().all(|pause| (whole / 2..=whole).contains(pause)), "{failures}: {pauses:?}");
            assert!(pauses.iter().any(|pause| pause != &pauses[0]));
        }
    }
}
