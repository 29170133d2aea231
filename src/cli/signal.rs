//! SIGINT and SIGTERM: the first asks to stop, the second stops.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long last words may take: what they are written to may not take them, and whoever signals twice wants an end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Watches for signals from now on. The receiver turns to the number of the first; a second ends the process.
pub(super) fn watch() -> watch::Receiver<Option<u8>> {
    watch_with(|_| {})
}

/// The same, with something to be said right before a second signal, whose number is given, ends the process.
pub(super) fn watch_with(last_words: impl FnOnce(u8) + Send + 'static) -> watch::Receiver<Option<u8>> {
    let (sender, receiver) = watch::channel(None);
    let stream = |kind| signal(kind).expect("the system delivers signals");
    let (mut interrupt, mut terminate) = (stream(SignalKind::interrupt()), stream(SignalKind::terminate()));
    tokio::spawn(async move {
        let first = next(&mut interrupt, &mut terminate).await;
        // Nobody may be listening any more; then the process is about to end anyway.
        let _ = sender.send(Some(first));
        let second = next(&mut interrupt, &mut terminate).await;
        let saying = tokio::task::spawn_blocking(move || last_words(second));
        tokio::select! {
            _ = saying => {}
            _ = next(&mut interrupt, &mut terminate) => {}
            () = tokio::time::sleep(LAST_WORDS) => {}
        }
        std::process::exit(128 + i32::from(second));
    });
    receiver
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> u8 {
    tokio::select! {
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
    }
}

/// Waits for the first signal.
pub(super) async fn first(receiver: &mut watch::Receiver<Option<u8>>) -> u8 {
    loop {
        if let Some(number) = *receiver.borrow_and_update() {
            return number;
        }
        if receiver.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
