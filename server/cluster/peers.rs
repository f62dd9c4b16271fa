//! How nodes talk: over the same HTTP as everybody, under `/cluster/v1`, every request signed.

use std::sync::Arc;
use std::time::Duration;

use awc::Client;
use callnext_engine::{Command, VenueId};
use serde::{Deserialize, Serialize};

use super::lease::Node;
use super::signature::{self, Signer};
use crate::venues::{Answer, SubmitError};

/// Longest wait for another node's answer: longer than its journal may take, shorter than people wait.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Largest answer taken from another node, bytes: a few rows.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// What another node said to a command. Journal errors lose their detail on the way: the asker can do nothing about
/// them but ask again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// It was done.
    Done {
        /// What came of it.
        answer: Box<Answer>,
    },
    /// The venue says no.
    Refused {
        /// Why.
        refusal: callnext_engine::Refusal,
    },
    /// Nothing of it happened: that node does not write this venue.
    NotOwner {
        /// Who does, as far as it knows.
        #[serde(default)]
        holder: Option<Node>,
    },
    /// Nothing of it happened: that node may not write at the moment.
    Paused,
    /// Nothing of it happened: too much to do.
    Busy,
    /// It may have happened: the journal failed, or the venue did.
    Unsure,
}

impl Reply {
    /// The reply that says this; `holder` is who writes the venue, if the answer is that this node does not.
    pub fn of(answer: Result<Answer, SubmitError>, holder: Option<Node>) -> Self {
        match answer {
            Ok(answer) => Self::Done { answer: Box::new(answer) },
            Err(SubmitError::Refused(refusal)) => Self::Refused { refusal },
            Err(SubmitError::NotOwner) => Self::NotOwner { holder },
            Err(SubmitError::Paused) => Self::Paused,
            Err(SubmitError::Busy) => Self::Busy,
            Err(SubmitError::Journal(_) | SubmitError::Broken | SubmitError::Moved | SubmitError::Unsure) => {
                Self::Unsure
            }
        }
    }

    /// What this node tells its asker.
    pub fn said(self) -> Said {
        let (answer, holder) = match self {
            Self::Done { answer } => (Ok(*answer), None),
            Self::Refused { refusal } => (Err(SubmitError::Refused(refusal)), None),
            Self::NotOwner { holder } => (Err(SubmitError::NotOwner), holder),
            Self::Paused => (Err(SubmitError::Paused), None),
            Self::Busy => (Err(SubmitError::Busy), None),
            Self::Unsure => (Err(SubmitError::Unsure), None),
        };
        Said { answer, holder }
    }
}

/// What came of asking another node.
#[derive(Debug)]
pub struct Said {
    /// Its answer, or what its silence means.
    pub answer: Result<Answer, SubmitError>,
    /// Who writes the venue, where it is not that node and it knows.
    pub holder: Option<Node>,
}

/// This node's line to the others.
#[derive(Clone)]
pub struct Peers {
    signer: Arc<Signer>,
}

impl Peers {
    /// A line over which everything is signed so.
    pub fn new(signer: Arc<Signer>) -> Self {
        Self { signer }
    }

    /// Judges what other nodes send.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Asks a venue's owner to carry out a command.
    pub async fn submit(&self, owner: &Node, venue: &VenueId, command: &Command) -> Said {
        let path = format!("/cluster/v1/venues/{venue}/commands");
        // A command is plain data with text keys: it can always be written.
        let body = serde_json::to_vec(command).unwrap_or_default();
        let reply = match self.ask(owner, &path, body).await {
            Ok(reply) => serde_json::from_slice(&reply).unwrap_or(Reply::Unsure),
            Err(Trouble::Unreached) => Reply::NotOwner { holder: None },
            Err(Trouble::Unsure) => Reply::Unsure,
        };
        reply.said()
    }

    /// Tells a node that a venue was given to it. Whether it heard or not, the lease says so too.
    pub async fn give(&self, to: &Node, venue: &VenueId) -> bool {
        self.ask(to, &format!("/cluster/v1/venues/{venue}/ownership"), Vec::new()).await.is_ok()
    }

    async fn ask(&self, to: &Node, path: &str, body: Vec<u8>) -> Result<Vec<u8>, Trouble> {
        thread_local! {
            static CLIENT: Client = Client::builder().timeout(ANSWER_MAX).disable_redirects().finish();
        }
        let client = CLIENT.with(Client::clone);
        let header = self.signer.sign(&to.instance, path, &body);
        let request = client.post(format!("{}{path}", to.address)).insert_header((signature::HEADER, header));
        let sent = request.content_type("application/json").send_body(body).await;
        let mut answer = sent.map_err(|error| match error {
            // Never on its way.
            awc::error::SendRequestError::Connect(_) | awc::error::SendRequestError::Url(_) => Trouble::Unreached,
            _ => Trouble::Unsure,
        })?;
        // Refused before it was looked at: that node was started anew, and its new name is not known here yet.
        if !answer.status().is_success() {
            return Err(Trouble::Unreached);
        }
        answer.body().limit(ANSWER_BYTES_MAX).await.map(|body| body.to_vec()).map_err(|_| Trouble::Unsure)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// The request never came to it.
    Unreached,
    /// It may have.
    Unsure,
}
