//! Calls that come to nothing: how the gateway's refusals read, and that no call leaves anything behind at the servers, however it ends.

use callcheck::lab::gateway::exchange::{CALLER_TOKEN, GROUP_CHAT, OTHER_CHAT};
use callcheck::lab::gateway::fault::GatewayFault;
use callcheck::model::call::Path;
use callcheck::model::endpoint::Transport;
use callcheck::model::report::{CutShort, Verdict};
use callcheck::signaling::call_event::ChatId;

use stage::{Stage, calling, found, run, within};

#[path = "calls/stage.rs"]
mod stage;

const UDP: &[Transport] = &[Transport::Udp];

#[test]
fn a_chat_in_which_nobody_can_be_called_is_refused_in_the_gateways_words() {
    for (chat, claim, words) in [
        ("99", "signaling-call-refused fail certain", "no such chat"),
        (GROUP_CHAT, "signaling-call-refused fail certain", "the chat is not one-to-one"),
        (OTHER_CHAT, "signaling-call-refused fail likely receiver-offline", "the receiver is offline"),
    ] {
        let report = within(async || {
            let stage = Stage::healthy().await;
            let report = run(&calling(stage.plan(&[Path::All], UDP), |call| call.chat_id = ChatId::new(chat))).await;
            stage.until_all_have_left().await;
            report
        });
        assert_eq!((report.verdict, found(&report)), (Verdict::Failed, vec![claim.to_owned()]), "{chat}");
        assert!(report.findings[0].summary.contains(words), "{}", report.findings[0].summary);
    }
}

#[test]
fn two_ends_with_one_account_are_named() {
    let report = within(async || {
        let stage = Stage::healthy().await;
        let one = stage.account(CALLER_TOKEN);
        run(&calling(stage.plan(&[Path::All], UDP), |call| call.ends[1].1 = one)).await
    });
    assert_eq!(found(&report), ["signaling-call-refused fail likely receiver-offline"]);
}

#[test]
fn a_call_that_is_refused_leaves_neither_an_allocation_nor_a_call() {
    within(async || {
        for fault in [GatewayFault::CallRefused, GatewayFault::CallRefusedByAnswer, GatewayFault::NoAnswerAtOnce] {
            let stage = Stage::broken(&[], &[fault]).await;
            let report = run(&stage.plan(&[Path::Relay], UDP)).await;
            assert_eq!(report.verdict, Verdict::Failed, "{fault}");
            assert_eq!(stage.turn.allocations(), 0, "{fault}");
            stage.until_all_have_left().await;
        }
    });
}

#[test]
fn an_attempt_that_ends_by_the_deadline_leaves_neither_an_allocation_nor_a_call() {
    let lost = [GatewayFault::CallerCandidatesNotForwarded, GatewayFault::CalleeCandidatesNotForwarded];
    within(async || {
        for faults in [&lost[..], &[GatewayFault::AnswerNotForwarded], &[GatewayFault::OfferNotForwarded]] {
            let stage = Stage::broken(&[], faults).await;
            let report = run(&stage.plan(&[Path::Relay], UDP)).await;
            assert_eq!((report.verdict, report.cut_short), (Verdict::Failed, None), "{faults:?}");
            assert_eq!(stage.turn.allocations(), 0, "{faults:?}");
            stage.until_all_have_left().await;
        }
    });
}

#[test]
fn a_run_that_reaches_its_bound_in_a_call_leaves_neither_an_allocation_nor_a_call() {
    within(async || {
        let stage = Stage::broken(&[], &[GatewayFault::AnswerNotForwarded]).await;
        let mut plan = stage.plan(&[Path::Relay], UDP);
        plan.timeout = std::time::Duration::from_secs(2);
        let report = run(&plan).await;
        assert_eq!(report.cut_short, Some(CutShort::Deadline));
        assert_eq!(stage.turn.allocations(), 0);
        let hung_up = report.call.is_some_and(|call| call.signaling.iter().any(|event| event.event == "call:end"));
        assert!(hung_up, "the caller ends the call, and does not leave that to the gateway");
        stage.until_all_have_left().await;
    });
}
