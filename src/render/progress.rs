//! The course of an apply as it happens: on a terminal what is being worked on, elsewhere a line now and then.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::apply::{Lines, doing};
use super::clean_line;
use super::layout::{crop, spoken, width};
use super::style::Theme;
use super::style::Tone;
use super::throttle::{self, Throttles};
use crate::apply::Event;
use crate::http::Throttle;
use crate::model::{Sources, TargetName};
use crate::plan::Plan;

/// How many resources in flight have a line.
const SHOWN: usize = 8;
/// Columns of the bar.
const BAR: usize = 24;

/// Follows an apply. Where the target is a terminal, a bar and what is in flight stay below the lines; where it is
/// hidden, a heartbeat each minute takes their place.
#[derive(Debug)]
pub struct Progress {
    lines: Lines,
    bar: ProgressBar,
    throttles: Throttles,
    /// What holds requests back, at the last look.
    held: Vec<(TargetName, Throttle)>,
}

impl Progress {
    /// For an apply of this plan. `target` hides itself where it is no terminal.
    pub fn new(plan: &Plan, sources: &Sources, theme: Theme, target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::with_template("{msg}").expect("the template is one"));
        Self { lines: Lines::new(plan, sources, theme), bar, throttles: Throttles::default(), held: Vec::new() }
    }

    /// Takes note of an event, and writes to `out`, above the bar, what there is to say about it. `at` is the time
    /// since the apply began.
    pub fn event(&mut self, out: &mut dyn Write, event: &Event, at: Duration) -> io::Result<()> {
        let Self { lines, bar, .. } = self;
        match event {
            Event::Start { .. } | Event::Progress { .. } | Event::Standing { .. } => lines.event(out, event, at)?,
            _ => bar.suspend(|| lines.event(out, event, at).and_then(|()| out.flush()))?,
        }
        self.draw(at);
        Ok(())
    }

    /// To be called once or more each second, so that times move on and heartbeats are not late. `held`: what holds
    /// requests to targets back now.
    pub fn tick(&mut self, out: &mut dyn Write, held: Vec<(TargetName, Throttle)>, at: Duration) -> io::Result<()> {
        if self.bar.is_hidden() {
            for news in self.throttles.news(&held, at) {
                self.lines.remark(out, &format!("{}: {news}", spoken(at)))?;
            }
            return self.lines.heartbeat(out, at);
        }
        self.held = held;
        self.draw(at);
        Ok(())
    }

    /// Takes the bar away. To be called before the ledger is written.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn draw(&self, at: Duration) {
        if !self.bar.is_hidden() {
            self.bar.set_message(status(&self.lines, &self.held, at));
        }
    }
}

/// What is in flight, a line each, and how much has ended.
fn status(lines: &Lines, held: &[(TargetName, Throttle)], at: Duration) -> String {
    let (course, theme) = (&lines.course, lines.theme);
    // The last column stays free: some terminals break the line when it is filled.
    let columns = theme.width.saturating_sub(1);
    // Tenths that flicker by tell nobody anything.
    let at = Duration::from_secs(at.as_secs());
    let mut text = Vec::new();
    // With one more than fits there is no need for a line that says so.
    let shown = if course.running.len() <= SHOWN + 1 { course.running.len() } else { SHOWN };
    for (address, work) in course.running.iter().take(shown) {
        let mut line = format!(
            "{} {}  {}",
            doing(work.action),
            clean_line(&address.to_string()),
            spoken(at.saturating_sub(Duration::from_secs(work.since.as_secs())))
        );
        if let Some(words) = &work.description {
            line = format!("{line}  {}", clean_line(words.trim()));
        }
        let sign = work.action.sign();
        let line = crop(&line, columns.saturating_sub(width(sign) + 3), theme.ellipsis());
        text.push(format!("  {} {line}", theme.paint(Tone::of(work.action), sign)));
    }
    if shown < course.running.len() {
        text.push(format!("  and {} more", course.running.len() - shown));
    }
    for (target, throttle) in held {
        text.push(crop(&format!("  {}", throttle::words(target, throttle)), columns, theme.ellipsis()));
    }
    let count = format!("{} of {} finished, {}", course.ended.len(), course.total, spoken(at));
    text.push(crop(&format!("{} {count}", bar(course.ended.len(), course.total, theme)), columns, theme.ellipsis()));
    text.join("\n")
}

fn bar(ended: usize, total: usize, theme: Theme) -> String {
    let filled = (ended * BAR).checked_div(total).unwrap_or(BAR).min(BAR);
    let (full, empty) = if theme.unicode { ("━", "─") } else { ("#", "-") };
    format!("{}{}", full.repeat(filled), empty.repeat(BAR - filled))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;

    use super::*;
    use crate::plan::Action;
    use crate::render::testing::{a_course, address, as_text, planned};

    /// A terminal that remembers what was drawn.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn drawn(&self) -> String {
            self.0.lock().expect("no test panics while it draws").clone()
        }

        fn add(&self, text: &str) {
            self.0.lock().expect("no test panics while it draws").push_str(text);
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.add(&format!("{text}\n"));
            Ok(())
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.add(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn started(count: u64, theme: Theme) -> Lines {
        let mut lines = Lines::new(&planned().0, &planned().1, theme);
        for at in 0..count {
            let event = Event::Start { address: address("customers", &format!("c{at}")), action: Action::Create };
            lines.event(&mut io::sink(), &event, Duration::from_secs(at)).expect("a sink takes all");
        }
        lines
    }

    #[test]
    fn what_is_in_flight_has_a_bounded_number_of_lines() {
        let at = Duration::from_secs(200);
        assert_eq!(status(&started(9, Theme::PLAIN), &[], at).lines().count(), 10);
        insta::assert_snapshot!(status(&started(40, Theme::PLAIN), &[], at));
        let ascii = status(&started(40, Theme { unicode: false, ..Theme::PLAIN }), &[], at);
        assert!(ascii.is_ascii(), "{ascii}");
    }

    #[test]
    fn a_line_is_never_wider_than_the_terminal() {
        let mut lines = started(1, Theme { width: 60, ..Theme::PLAIN });
        let event = Event::Progress {
            address: address("customers", "c0"),
            action: Action::Create,
            elapsed: Duration::from_secs(5),
            description: Some("東京 creating volumes \u{1b}[2J in all availability zones of the region".into()),
        };
        lines.event(&mut io::sink(), &event, Duration::from_secs(5)).expect("a sink takes all");
        let text = status(&lines, &[], Duration::from_secs(5));
        assert!(text.lines().all(|line| width(line) < 60), "{text}");
        assert!(text.contains("東京 creating volumes") && text.contains('…'), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn on_a_terminal_a_bar_stays_and_no_heartbeat_comes() {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 255);
        let mut progress = Progress::new(&planned().0, &planned().1, Theme::PLAIN, target);
        let text = as_text(|out| {
            for (at, event) in a_course() {
                progress.event(out, &event, at)?;
                progress.tick(out, Vec::new(), at)?;
            }
            progress.tick(out, Vec::new(), Duration::from_secs(600))
        });
        progress.finish();
        assert!(screen.drawn().contains("of 6 finished"), "{}", screen.drawn());
        assert!(text.contains("+ customers.acme created in 1.2 s") && !text.contains("of 6 finished"), "{text}");
    }

    #[test]
    fn without_a_terminal_a_heartbeat_takes_its_place() {
        let mut progress = Progress::new(&planned().0, &planned().1, Theme::PLAIN, ProgressDrawTarget::hidden());
        let text = as_text(|out| {
            let event = Event::Start { address: address("customers", "acme"), action: Action::Create };
            progress.event(out, &event, Duration::ZERO)?;
            progress.tick(out, Vec::new(), Duration::from_secs(59))?;
            progress.tick(out, Vec::new(), Duration::from_secs(61))
        });
        assert_eq!(text, "  1 min 1 s: 0 of 6 finished; creating customers.acme (1 min 1 s)\n");
    }

    fn held(pause: Option<Duration>) -> Vec<(TargetName, Throttle)> {
        vec![("cf".into(), Throttle { pause, at_a_time: 4, why: "429 to GET /v3/spaces".to_owned() })]
    }

    #[test]
    fn what_a_target_asks_for_is_on_the_screen_as_long_as_it_does() {
        let at = Duration::from_secs(3);
        let text = status(&started(1, Theme::PLAIN), &held(Some(Duration::from_secs(30))), at);
        insta::assert_snapshot!(text);
        assert_eq!(status(&started(1, Theme::PLAIN), &[], at).lines().count(), 2);
    }

    #[test]
    fn a_log_is_told_of_each_pause_once() {
        let mut progress = Progress::new(&planned().0, &planned().1, Theme::PLAIN, ProgressDrawTarget::hidden());
        let text = as_text(|out| {
            progress.tick(out, held(Some(Duration::from_secs(30))), Duration::from_secs(2))?;
            progress.tick(out, held(Some(Duration::from_millis(29_500))), Duration::from_millis(2_500))?;
            progress.tick(out, held(None), Duration::from_secs(40))
        });
        assert_eq!(text, "  2 s: target `cf` asks to wait, 30 s more (429 to GET /v3/spaces)\n");
    }
}
