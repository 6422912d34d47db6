//! `klfit explore`: a page on this machine to see forward and reverse KL move.
//!
//! The page draws and sends; every number on it is made here, by the same library that runs
//! experiments. The server listens on the loopback interface alone, answers only who has the address it
//! gave out and pages that it served itself, and keeps nothing between connections.

mod accept;
mod assets;
mod bundle;
mod connection;
mod draws;
mod figure;
mod guard;
mod link;
mod morph;
mod protocol;
mod replay;
mod save;
mod state;
mod totals;
mod training;
mod view;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State as Shared;
use axum::extract::ws::WebSocketUpgrade;
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use self::guard::Guard;
use self::link::Linked;
use crate::config::Experiment;
use crate::error::{Error, Result};
use crate::files::names::marked_fit;
use crate::files::unique::unique;
use crate::run_folder::RunFolder;
pub use protocol::Replay;
pub use state::State;

/// Where a page's socket is, below the token.
const SOCKET: &str = "/socket";
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
    /// What the address of the page ends with after a `#`: the name of a lesson.
    pub hash: Option<String>,
}

impl Opening {
    /// From a config, the folder of a finished run, or a link of another page: all of it, or what follows its `#`.
    ///
    /// # Errors
    /// If it is none of them, or its target is not a mixture of Gaussians in one or two dimensions.
    pub fn read(path: &Path) -> Result<Self> {
        let part = path.to_str().and_then(link::part);
        // A file may have any name.
        if let Some(part) = part
            && !path.exists()
        {
            return Ok(match link::read(part)? {
                Linked::State(state) => Self {
                    state: *state,
                    ..Self::default()
                },
                Linked::Lesson(lesson) => Self {
                    hash: Some(lesson),
                    ..Self::default()
                },
            });
        }
        if path.is_dir() || marked_fit(path).is_some() {
            let folder = RunFolder::open(path)?;
            let experiment = folder.experiment()?;
            return Ok(Self {
                state: State::from_experiment(&experiment)?,
                run: Some(replay::replay(&folder, &experiment)?),
                ..Self::default()
            });
        }
        let experiment = Experiment::load(path, Vec::new())?;
        Ok(Self {
            state: State::from_experiment(&experiment)?,
            ..Self::default()
        })
    }
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    /// What nobody can guess who was not given the URL.
    token: String,
    shared: Arc<Served>,
}

/// What all connections share.
#[derive(Debug)]
struct Served {
    opening: Opening,
    /// With pages that say nothing.
    patience: Duration,
    pages: Arc<Semaphore>,
}

impl Server {
    /// Listens on a port of the loopback interface; on any free one for port 0.
    ///
    /// # Errors
    /// If the port is taken, or the system has no random numbers to give.
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
            token: unique()?,
            shared: Arc::new(Served {
                opening,
                patience: connection::PATIENCE,
                pages: Arc::new(Semaphore::new(MOST_PAGES)),
            }),
        })
    }

    /// Where the page is. Whoever has it may drive the page: it holds a token that is drawn for each
    /// server, and no request without it is answered.
    pub fn url(&self) -> String {
        let hash = self.shared.opening.hash.as_ref();
        let hash = hash.map_or_else(String::new, |hash| format!("#{hash}"));
        format!("http://{}/{}/{hash}", self.address, self.token)
    }

    /// Serves until `stop` is ready.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) {
        let guard = Arc::new(Guard::new(self.address.port(), self.token));
        // Any token: the guard compares it, in a time that tells nothing of it.
        let router = Router::new()
            .nest(
                "/{token}/",
                assets::routes().route(SOCKET, get(open_socket)),
            )
            .with_state(self.shared)
            .layer(middleware::from_fn_with_state(guard, guard::guard));
        // A page that stays open must not keep the server from stopping.
        tokio::select! {
            never = accept::serve(self.listener, router) => match never {},
            () = stop => {}
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
        connection::run(socket, served.opening.clone(), served.patience).await;
        drop(seat);
    })
}

type Routes = Router<Arc<Served>>;

#[cfg(test)]
mod tests {
    use std::thread;

    use tungstenite::{Message, connect};

    use super::*;

    #[test]
    fn a_page_that_is_no_longer_there_is_closed() {
        let (tell, told) = std::sync::mpsc::channel();
        let patience = Duration::from_millis(500);
        thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let mut server = Server::bind(0, Opening::default()).await.unwrap();
                Arc::get_mut(&mut server.shared).unwrap().patience = patience;
                tell.send(server.url()).unwrap();
                server.serve(std::future::pending()).await;
            });
        });
        let url = told.recv().unwrap().replace("http", "ws") + "socket";
        let [(mut there, _), (mut gone, _)] = [(); 2].map(|()| connect(&url).unwrap());
        assert!(there.read().unwrap().is_text() && gone.read().unwrap().is_text());
        // Who reads answers, and hears nothing else.
        for _ in 0..4 {
            assert!(matches!(there.read(), Ok(Message::Ping(_))));
        }
        assert!(matches!(gone.read(), Ok(Message::Ping(_))));
        // Its answer comes too late.
        assert!(gone.read().is_err());
        assert!(matches!(there.read(), Ok(Message::Ping(_))));
    }
}
