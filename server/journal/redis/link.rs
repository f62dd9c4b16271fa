//! One connection to Redis, whatever stands behind it.

use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind, Value};

use super::script::Call;

/// A connection; clones share it.
#[derive(Clone)]
pub(super) enum Link {
    /// To one server: everything goes over one socket, in order.
    Server(MultiplexedConnection),
    /// To a cluster: the library finds the node, and may send what it sends again.
    Cluster(ClusterConnection),
}

impl Link {
    /// Sends commands that belong together to the primary that has this key, over one socket.
    async fn send(&mut self, key: &str, commands: &[Cmd]) -> RedisResult<Vec<Value>> {
        let mut pipeline = redis::Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command.clone());
        }
        let answers = match self {
            Self::Server(connection) => connection.send_packed_commands(&pipeline, 0, commands.len()).await?,
            Self::Cluster(connection) => {
                let route = SingleNodeRoutingInfo::SpecificNode(Route::with_key(key, SlotAddr::Master));
                connection.route_pipeline(pipeline, 0, commands.len(), route).await?
            }
        };
        answers.into_iter().map(Value::extract_error).collect()
    }

    /// One command about one key.
    pub(super) async fn ask<T: FromRedisValue>(&mut self, key: &str, command: Cmd) -> RedisResult<T> {
        Ok(T::from_redis_value(only(self.send(key, &[command]).await?)?)?)
    }

    /// Runs a script; with `wait`, does not come back before so many replicas have what it wrote.
    ///
    /// The wait goes over the same socket right behind the script: Redis waits for what that socket wrote.
    pub(super) async fn run(&mut self, call: &Call, wait: Option<(u32, u64)>) -> RedisResult<Value> {
        match self.send_script(call, call.by_digest(), wait).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.send_script(call, call.by_text(), wait).await
            }
            answer => answer,
        }
    }

    async fn send_script(&mut self, call: &Call, script: Cmd, wait: Option<(u32, u64)>) -> RedisResult<Value> {
        let Some((replicas, within_ms)) = wait else {
            return only(self.send(call.slot_key(), &[script]).await?);
        };
        let mut waiting = redis::cmd("WAIT");
        waiting.arg(replicas).arg(within_ms);
        let mut answers = self.send(call.slot_key(), &[script, waiting]).await?;
        let have = u32::from_redis_value(answers.pop().unwrap_or(Value::Nil))?;
        if have < replicas {
            let detail = format!("{have} of {replicas} within {within_ms} ms");
            return Err(RedisError::from((
                ErrorKind::Server(ServerErrorKind::TryAgain),
                "too few replicas have confirmed",
                detail,
            )));
        }
        only(answers)
    }

    /// A command to every primary.
    pub(super) async fn ask_primaries<T: FromRedisValue>(&mut self, command: Cmd) -> RedisResult<Vec<T>> {
        match self {
            Self::Server(_) => Ok(vec![self.ask("", command).await?]),
            Self::Cluster(connection) => {
                let everywhere = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                match connection.route_command(command, everywhere).await? {
                    Value::Map(nodes) => {
                        nodes.into_iter().map(|(_, answer)| Ok(T::from_redis_value(answer.extract_error()?)?)).collect()
                    }
                    other => Ok(vec![T::from_redis_value(other)?]),
                }
            }
        }
    }
}

fn only(answers: Vec<Value>) -> RedisResult<Value> {
    let none = || RedisError::from((ErrorKind::Parse, "Redis answered too little"));
    answers.into_iter().next().ok_or_else(none)
}
