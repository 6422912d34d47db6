//! Connections: how many may be open, and for how long.
//!
//! Each asks once, is answered and closed, or becomes the socket of a page. One that asks nothing is
//! closed after a while, and sooner where others want its place: whoever opens many keeps no page out.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// Connections that may be open at once beside the sockets of pages, far fewer than files may be.
const MOST_CONNECTIONS: usize = 64;
/// How long a connection may take to ask and to read the answer.
const TIME_TO_ASK: Duration = Duration::from_secs(5);
/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 << 10;
/// How long nothing is accepted after the system could not, and no connection could be closed for another.
const REST: Duration = Duration::from_millis(100);

/// Answers whoever connects, for ever.
pub(super) async fn serve(listener: TcpListener, router: Router) -> Infallible {
    let mut connections = Connections::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => connections.open(stream, router.clone()).await,
            // Another one may be there at once.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            // No more files may be open, say.
            Err(_) => match connections.close_a_silent_one() {
                true => _ = connections.tasks.join_next().await,
                false => sleep(REST).await,
            },
        }
    }
}

/// The open connections; all close when it is dropped.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    /// Those that have asked nothing yet, the oldest first.
    silent: VecDeque<Silent>,
}

struct Silent {
    task: AbortHandle,
    has_asked: Arc<AtomicBool>,
}

impl Connections {
    async fn open(&mut self, stream: TcpStream, router: Router) {
        while self.tasks.try_join_next().is_some() {}
        if self.tasks.len() >= MOST_CONNECTIONS {
            self.close_a_silent_one();
            // If all have asked, the first that is answered makes room.
            self.tasks.join_next().await;
        }
        let has_asked = Arc::new(AtomicBool::new(false));
        let task = self
            .tasks
            .spawn(answer(stream, router, Arc::clone(&has_asked)));
        self.silent.push_back(Silent { task, has_asked });
    }

    /// Closes the one that has been silent the longest; false if there is none.
    fn close_a_silent_one(&mut self) -> bool {
        self.silent
            .retain(|one| !one.has_asked.load(Ordering::Relaxed) && !one.task.is_finished());
        let oldest = self.silent.pop_front();
        oldest.inspect(|oldest| oldest.task.abort()).is_some()
    }
}

/// Answers the one request of a connection.
async fn answer(stream: TcpStream, router: Router, has_asked: Arc<AtomicBool>) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        let answer = router.call(request);
        async move {
            let mut response = answer.await?;
            // `keep_alive(false)` would say so to sockets too, which browsers do not take.
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let answered = http1::Builder::new()
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // A connection that fails or is too slow is closed, which is all there is to do.
    _ = timeout(TIME_TO_ASK, answered).await;
}
