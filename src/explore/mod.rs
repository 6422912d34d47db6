//! `klfit explore`: a page on this machine to see forward and reverse KL move.
//!
//! The page draws and sends; every number on it is made here, by the same library that runs
//! experiments. The server listens on the loopback interface alone, answers only pages that it served
//! itself, and keeps nothing between connections.

mod assets;
mod connection;
mod guard;
mod protocol;
mod replay;
mod save;

mod state;
mod training;
mod view;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::extract::ws::WebSocketUpgrade;
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::config::Experiment;
use crate::error::{Error, Result};
use crate::run_folder::RunFolder;
pub use protocol::Replay;
pub use state::State;

/// Pages that may be open at once.
const MOST_PAGES: usize = 16;
/// The largest message a page may send, in bytes.
const LONGEST_MESSAGE: usize = 64 << 10;

/// What a page begins with.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// Its first state.
    pub state: State,
    /// A finished run to go through, if one was opened.
    pub run: Option<Replay>,
}

impl Opening {
    /// From a config or the folder of a finished run.
    ///
    /// # Errors
    /// If it is neither, or its target is not a mixture of Gaussians in one or two dimensions.
    pub fn read(path: &Path) -> Result<Self> {
        if path.is_dir() {
            let folder = RunFolder::open(path)?;
            let experiment = folder.experiment()?;
            return Ok(Self {
                state: State::from_experiment(&experiment)?,
                run: Some(replay::replay(&folder, &experiment)?),
            });
        }
        let experiment = Experiment::load(path, Vec::new())?;
        Ok(Self {
            state: State::from_experiment(&experiment)?,
            run: None,
        })
    }
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Served>,
}

/// What all connections share.
#[derive(Debug)]
struct Served {
    opening: Opening,
    pages: Arc<Semaphore>,
}

impl Server {
    /// Listens on a port of the loopback interface; on any free one for port 0.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn bind(port: u16, opening: Opening) -> Result<Self> {
        let refused = |error: std::io::Error| {
            Error::usage(
                format!("cannot listen on port {port} of 127.0.0.1: {error}"),
                "choose another one with --port, or leave it out for any free one",
            )
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(refused)?;
        Ok(Self {
            address: listener.local_addr().map_err(refused)?,
            listener,
            shared: Arc::new(Served {
                opening,
                pages: Arc::new(Semaphore::new(MOST_PAGES)),
            }),
        })
    }

    /// Where the page is.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves until `stop` is ready.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let port = self.address.port();
        let router = assets::routes()
            .route("/socket", get(open_socket))
            .with_state(self.shared)
            .layer(middleware::from_fn(move |request, next| {
                guard::guard(port, request, next)
            }));
        // A page that stays open must not keep the server from stopping.
        let serving = axum::serve(self.listener, router).into_future();
        tokio::select! {
            ended = serving => ended.map_err(|error| {
                Error::usage(format!("the server failed: {error}"), "start it again")
            }),
            () = stop => Ok(()),
        }
    }
}

async fn open_socket(upgrade: WebSocketUpgrade, Shared(served): Shared<Arc<Served>>) -> Response {
    let Ok(seat) = served.pages.clone().try_acquire_owned() else {
        return guard::refusal("too many pages are open: close one");
    };
    (upgrade
        .max_message_size(LONGEST_MESSAGE)
        .max_frame_size(LONGEST_MESSAGE))
    .on_upgrade(move |socket| async move {
        connection::run(socket, served.opening.clone()).await;
        drop(seat);
    })
}

type Routes = Router<Arc<Served>>;
