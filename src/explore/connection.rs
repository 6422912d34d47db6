//! One open page: its requests in order, and the news of its fits.

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use data_encoding::BASE64;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Duration, Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::protocol::{DivergenceLabel, Format, Hello, Limits, Reply, Request};
use super::state::{
    MOST_COMPONENTS, MOST_FITS, MOST_Q_COMPONENTS, MOST_RESTARTS, MOST_STEPS, estimators,
};
use super::training::{Control, Training, failure};
use super::view::Views;
use super::{Opening, bundle, draws, figure, morph, save};
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::optimizer::OptimizerRule;

/// Messages that wait for a page that is slow; then its fits wait.
const WAITING: usize = 8;
/// Messages of a page are read no more often than this, 250 times a second; it waits if it says more.
const PACE: Duration = Duration::from_millis(4);
/// A page that has said nothing for as long is asked whether it is there, and closed if it does not
/// answer for as long again, or does not take what it is sent. Browsers answer by themselves.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Answers a page until it is closed, or is no longer there.
pub(super) async fn run(socket: WebSocket, opening: Opening, patience: Duration) {
    let mut socket = Socket {
        stream: socket,
        patience,
    };
    let hello = Reply::Hello(Box::new(hello(opening)));
    if socket.reply(&hello).await.is_err() {
        return;
    }
    let mut page = Page {
        views: Some(Views::new()),
        training: None,
        news: mpsc::channel(WAITING).1,
        later: mpsc::channel(WAITING),
    };
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    let mut is_asked = false;
    loop {
        let hear = async {
            pace.tick().await;
            socket.stream.recv().await
        };
        let silences = if is_asked { 2 } else { 1 };
        let reply = tokio::select! {
            message = hear => {
                let reply = match message {
                    Some(Ok(Message::Text(text))) => page.answer(text.as_str()).await,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => None,
                };
                (heard, is_asked) = (Instant::now(), false);
                reply
            }
            Some(news) = page.news.recv() => Some(news),
            Some(reply) = page.later.1.recv() => Some(reply),
            () = sleep_until(heard + silences * patience) => {
                if is_asked || socket.send(Message::Ping(Bytes::new())).await.is_err() {
                    return;
                }
                is_asked = true;
                None
            }
        };
        if let Some(reply) = reply
            && socket.reply(&reply).await.is_err()
        {
            return;
        }
    }
}

/// The way to a page.
struct Socket {
    stream: WebSocket,
    patience: Duration,
}

impl Socket {
    async fn reply(&mut self, reply: &Reply) -> Result<(), ()> {
        let text = serde_json::to_string(reply).map_err(|_| ())?;
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), ()> {
        let sent = timeout(self.patience, self.stream.send(message)).await;
        sent.map_err(|_| ())?.map_err(|_| ())
    }
}

fn hello(opening: Opening) -> Hello {
    let offered = |kind: &DivergenceKind| kind.is_for_configs();
    let name = |kind: DivergenceKind| DivergenceLabel {
        name: kind.name(),
        title: kind.title(),
        symbol: kind.symbol(),
        in_nats: kind.build().names().in_nats,
        estimators: estimators(kind),
    };
    Hello {
        version: env!("CARGO_PKG_VERSION"),
        divergences: DivergenceKind::all()
            .into_iter()
            .filter(offered)
            .map(name)
            .collect(),
        optimizers: OptimizerRule::NAMES.to_vec(),
        limits: Limits {
            components: MOST_COMPONENTS,
            q_components: MOST_Q_COMPONENTS,
            restarts: MOST_RESTARTS,
            steps: MOST_STEPS,
            fits: MOST_FITS,
        },
        state: opening.state,
        run: opening.run,
    }
}

/// What the server keeps of a page while it is open.
struct Page {
    /// Away while a view is made.
    views: Option<Views>,
    training: Option<Training>,
    news: mpsc::Receiver<Reply>,
    /// Answers that take their time.
    later: (mpsc::Sender<Reply>, mpsc::Receiver<Reply>),
}

impl Page {
    async fn answer(&mut self, text: &str) -> Option<Reply> {
        let request = match serde_json::from_str(text) {
            Ok(request) => request,
            Err(error) => {
                let error = Error::usage(
                    format!("the page sent what is no request: {error}"),
                    "load the page again",
                );
                return Some(failure(None, &error));
            }
        };
        match request {
            Request::View(request) => {
                let id = request.id;
                let mut views = self.views.take().unwrap_or_else(Views::new);
                // Making a view takes milliseconds, in which the server should read others.
                let made = spawn_blocking(move || (views.view(&request), views)).await;
                match made {
                    Ok((reply, views)) => {
                        self.views = Some(views);
                        Some(reply.unwrap_or_else(|error| failure(Some(id), &error)))
                    }
                    Err(panic) => {
                        let error = Error::usage(
                            format!("the view could not be made: {panic}"),
                            "choose other values",
                        );
                        Some(failure(Some(id), &error))
                    }
                }
            }
            Request::Run {
                id,
                state,
                paused,
                speed,
            } => {
                let (sender, news) = mpsc::channel(WAITING);
                self.training = None;
                self.news = news;
                match Training::start(&state, paused, speed, sender) {
                    Ok(training) => {
                        self.training = Some(training);
                        None
                    }
                    Err(error) => Some(failure(Some(id), &error)),
                }
            }
            Request::Speed { speed } => self.send(Control::Speed(speed)),
            Request::Pause => self.send(Control::Pause),
            Request::Resume => self.send(Control::Resume),
            Request::Step => self.send(Control::Step),
            Request::Stop => {
                self.training = None;
                self.news.close();
                // What was on its way is of fits that are gone.
                while self.news.try_recv().is_ok() {}
                None
            }
            Request::Config { id, state } => Some(match save::config(&state) {
                Ok(toml) => Reply::Config {
                    id,
                    name: "explored.toml",
                    toml,
                },
                Err(error) => failure(Some(id), &error),
            }),
            Request::Morph { id, state, q } => {
                let sender = self.later.0.clone();
                // It may take a while, in which the page is answered.
                spawn_blocking(move || {
                    let reply = morph::morph(id, &state, q.as_ref());
                    sender.blocking_send(reply.unwrap_or_else(|error| failure(Some(id), &error)))
                });
                None
            }
            Request::Draws {
                id,
                state,
                q,
                count,
                set,
            } => {
                let reply = draws::draws(id, &state, q.as_ref(), count, set);
                Some(reply.unwrap_or_else(|error| failure(Some(id), &error)))
            }
            Request::Player { id } => Some(player(id)),
            Request::Figure {
                id,
                state,
                shown,
                format,
            } => {
                let drawn = spawn_blocking(move || figure::figure(&state, &shown, format)).await;
                Some(match drawn {
                    Ok(Ok(data)) => figure_reply(id, format, &data),
                    Ok(Err(error)) => failure(Some(id), &error),
                    Err(panic) => {
                        let message = format!("the figure could not be drawn: {panic}");
                        failure(Some(id), &Error::usage(message, "choose other values"))
                    }
                })
            }
        }
    }

    fn send(&self, control: Control) -> Option<Reply> {
        if let Some(training) = &self.training {
            training.send(control);
        }
        None
    }
}

fn player(id: u64) -> Reply {
    match bundle::page() {
        Ok(html) => Reply::Player {
            id,
            name: "explored.html",
            html,
        },
        Err(what) => {
            let error = Error::usage(
                format!("the page cannot be saved: {what}"),
                "save a figure or the config instead",
            );
            failure(Some(id), &error)
        }
    }
}

fn figure_reply(id: u64, format: Format, data: &[u8]) -> Reply {
    let (name, mime) = match format {
        Format::Svg => ("explored.svg", "image/svg+xml"),
        Format::Png => ("explored.png", "image/png"),
    };
    Reply::Figure {
        id,
        name,
        mime,
        data: BASE64.encode(data),
    }
}
