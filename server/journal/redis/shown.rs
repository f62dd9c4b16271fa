//! A mirror as Redis commands, which the append's script carries out in the same step. `SCHEMA.md` is what they make.

use std::collections::BTreeMap;

use callnext_engine::{Lane, ServiceId, TicketId};

use super::super::mirror::{Mirror, time_text};
use super::keys::Keys;
use super::script::Call;

/// Arguments of one command at most: Lua's stack takes some 8,000.
const ARGUMENTS_MAX: usize = 1_000;

/// What was shown by an owner before: its names are forgotten where a mirror is whole.
#[derive(Debug, Default)]
pub(super) struct Before {
    pub(super) tickets: Vec<String>,
    pub(super) queues: Vec<String>,
}

/// Adds the commands that show a mirror.
pub(super) fn add(call: &mut Call, keys: &Keys, mirror: &Mirror, before: &Before) {
    let mut out = Commands { call, expires_in: mirror.expires_in.as_millis().to_string() };
    // First, because Redis refuses it when it is full, where it would carry a removal out.
    let at = time_text(mirror.at);
    out.run("HSET", keys.live(), ["seq".to_owned(), mirror.seq.to_string(), "at".to_owned(), at]);
    out.expire(keys.live());
    for id in &before.tickets {
        out.run("UNLINK", keys.ticket_named(id), []);
    }
    for name in &before.queues {
        out.run("UNLINK", keys.queue_named(name), []);
    }
    if mirror.whole {
        out.run("UNLINK", keys.tickets(), []);
        out.run("UNLINK", keys.queues(), []);
    }
    for ticket in &mirror.tickets {
        let fields = ticket.fields.iter().flat_map(|(field, value)| [(*field).to_owned(), value.clone()]);
        out.run("HSET", keys.ticket(ticket.id), fields);
        if ticket.is_new {
            out.expire(keys.ticket(ticket.id));
        }
    }
    let new = mirror.tickets.iter().filter(|ticket| ticket.is_new).map(|ticket| ticket.id.to_string());
    if out.many("SADD", &keys.tickets(), new) {
        out.expire(keys.tickets());
    }
    for id in &mirror.over {
        out.run("UNLINK", keys.ticket(*id), []);
    }
    out.many("SREM", &keys.tickets(), mirror.over.iter().map(ToString::to_string));
    let mut left: BTreeMap<(&ServiceId, Lane), Vec<TicketId>> = BTreeMap::new();
    for (service, lane, id) in &mirror.left {
        left.entry((service, *lane)).or_default().push(*id);
    }
    for ((service, lane), ids) in left {
        out.many("ZREM", &keys.queue(service, lane), ids.iter().map(ToString::to_string));
    }
    for queue in &mirror.queues {
        for lane in Lane::ALL {
            let key = keys.queue(&queue.service, lane);
            out.run("UNLINK", key.clone(), []);
            // The score is the place in the whole service: how many are really ahead.
            let placed = (0_u32..).zip(&queue.order).filter(|(_, (of, _))| *of == lane);
            let members = placed.flat_map(|(ahead, (_, id))| [ahead.to_string(), id.to_string()]);
            if out.many("ZADD", &key, members) {
                out.expire(key);
                out.run("SADD", keys.queues(), [Keys::queue_name(&queue.service, lane)]);
                out.expire(keys.queues());
            }
        }
    }
}

struct Commands<'c> {
    call: &'c mut Call,
    expires_in: String,
}

impl Commands<'_> {
    fn run(&mut self, command: &str, key: String, arguments: impl IntoIterator<Item = String>) {
        let arguments: Vec<String> = arguments.into_iter().collect();
        self.call.key(key).arg(command).arg(arguments.len().to_string()).args(arguments);
    }

    fn expire(&mut self, key: String) {
        let span = self.expires_in.clone();
        self.run("PEXPIRE", key, [span]);
    }

    /// Runs a command with as many arguments as there are, in bounded portions; false where there are none.
    fn many(&mut self, command: &str, key: &str, arguments: impl Iterator<Item = String>) -> bool {
        let arguments: Vec<String> = arguments.collect();
        for portion in arguments.chunks(ARGUMENTS_MAX) {
            self.run(command, key.to_owned(), portion.iter().cloned());
        }
        !arguments.is_empty()
    }
}
