use super::*;
use crate::candidate::sample::commit;

const ALL: Policy = Policy { push: true, pull_request: true, issue: true };

fn slug() -> Slug {
    "v2".parse::<TagName>().unwrap().slug()
}

fn name(name: &str) -> RefName {
    name.parse().unwrap()
}

fn proven(slug: &Slug, status: Outcome) -> Proven<'_> {
    Proven {
        slug,
        status,
        onto: commit(1),
        excluded: &[],
        candidate: commit(2),
        squashed: None,
        partial: None,
        stale: false,
        flow_forbids: false,
    }
}

fn line(of: &str, at: CommitId) -> Published {
    let (repo, tag) = ("a/b".parse().unwrap(), "v2".parse().unwrap());
    Published {
        event_id: EventId::of_release(&repo, &tag),
        repo,
        tag,
        name: Some(name(of)),
        commit: Some(at),
        pull_request: None,
        issue: None,
        url: None,
        at: String::new(),
    }
}

fn planned(
    proven: &Proven<'_>,
    refs: &[(&str, CommitId)],
    before: &[Published],
    policy: Policy,
) -> Publication {
    let refs = refs.iter().map(|(of, at)| (name(of), at.object())).collect();
    publication(proven, &Remote { target: "fork", refs: &refs, before }, policy).unwrap()
}

fn moves(publication: &Publication) -> Vec<(&str, Option<CommitId>)> {
    publication.refs.iter().filter(|plan| plan.is_move()).map(|plan| (plan.name.as_str(), plan.to)).collect()
}

const CANDIDATE: &str = "refs/heads/patch-moi/candidate/v2";
const BASE: &str = "refs/patch-moi/base/v2";

#[test]
fn a_refused_candidate_moves_no_ref() {
    let slug = slug();
    let failed = planned(&proven(&slug, Outcome::Failed), &[(CANDIDATE, commit(9))], &[], ALL);
    assert_eq!((moves(&failed), failed.request), (vec![], Request::Issue));
    assert!(failed.withheld.is_some());
}

#[test]
fn the_flow_and_the_person_can_each_forbid_a_push() {
    let slug = slug();
    let complete = proven(&slug, Outcome::Candidate);
    let forbidden = planned(&Proven { flow_forbids: true, ..complete.clone() }, &[], &[], ALL);
    assert_eq!(forbidden.withheld.as_deref(), Some("the flow says `push = false`"));
    let none = planned(&complete, &[], &[], Policy { push: false, ..ALL });
    assert!(none.withheld.is_some() && none.refs.is_empty());
    assert_eq!(none.request, Request::Issue, "without a branch there is no pull request");
}

#[test]
fn a_complete_candidate_gets_a_branch_and_what_said_otherwise_goes() {
    let slug = slug();
    let older = [("refs/patch-moi/incomplete/v2", commit(7)), ("refs/patch-moi/partial/v2", commit(8))];
    let complete = Proven { squashed: Some(commit(3)), ..proven(&slug, Outcome::Candidate) };

    let publication = planned(&complete, &older, &[], ALL);

    assert_eq!(
        moves(&publication),
        [
            (CANDIDATE, Some(commit(3))),
            (BASE, Some(commit(1))),
            ("refs/patch-moi/stack/v2", Some(commit(2))),
            ("refs/patch-moi/incomplete/v2", None),
            ("refs/patch-moi/partial/v2", None),
        ]
    );
    assert_eq!(publication.request, Request::PullRequest);
}

#[test]
fn an_incomplete_one_never_gets_a_branch() {
    let slug = slug();
    let incomplete = Proven { partial: Some(commit(4)), ..proven(&slug, Outcome::Incomplete) };
    let publication = planned(&incomplete, &[(CANDIDATE, commit(9))], &[], ALL);
    assert_eq!(
        moves(&publication),
        [("refs/patch-moi/incomplete/v2", Some(commit(2))), ("refs/patch-moi/partial/v2", Some(commit(4)))]
    );
    assert_eq!(publication.request, Request::Issue);
    assert_eq!(publication.notes.len(), 1, "the older branch is spoken of: {:?}", publication.notes);

    let nothing = Proven { candidate: commit(1), ..proven(&slug, Outcome::Incomplete) };
    assert_eq!(moves(&planned(&nothing, &[], &[], ALL)), []);
}

#[test]
fn what_is_there_already_is_not_pushed_again() {
    let slug = slug();
    let complete = proven(&slug, Outcome::Candidate);
    let publication = planned(&complete, &[(CANDIDATE, commit(2)), (BASE, commit(1))], &[], ALL);
    assert_eq!((moves(&publication), publication.refs.len()), (vec![], 2));
}

#[test]
fn an_older_base_stays_recorded_as_long_as_the_stack_stands_on_it() {
    let slug = slug();
    let there = [(CANDIDATE, commit(2)), (BASE, commit(7))];
    let moved = planned(&proven(&slug, Outcome::Candidate), &there, &[], ALL);
    assert_eq!(moves(&moved), [(BASE, Some(commit(1)))]);
    let excluded = [commit(7)];
    let standing = Proven { excluded: &excluded, ..proven(&slug, Outcome::Candidate) };
    assert_eq!(moves(&planned(&standing, &there, &[], ALL)), []);
    let incomplete = Proven { partial: None, candidate: commit(1), ..proven(&slug, Outcome::Incomplete) };
    assert_eq!(moves(&planned(&incomplete, &there, &[], ALL)), []);
}

#[test]
fn a_branch_that_this_program_put_there_is_moved_and_a_persons_gets_a_sibling() {
    let slug = slug();
    let complete = proven(&slug, Outcome::Candidate);
    let before = [line(CANDIDATE, commit(8))];

    let ours = planned(&complete, &[(CANDIDATE, commit(8))], &before, ALL);
    assert_eq!(moves(&ours), [(CANDIDATE, Some(commit(2))), (BASE, Some(commit(1)))]);

    let sibling = "refs/heads/patch-moi/candidate-2/v2";
    let theirs = planned(&complete, &[(CANDIDATE, commit(9))], &before, ALL);
    assert_eq!(moves(&theirs), [(sibling, Some(commit(2))), (BASE, Some(commit(1)))]);
    assert!(theirs.notes[0].contains("patch-moi/candidate/v2"), "{:?}", theirs.notes);

    let again =
        planned(&complete, &[(CANDIDATE, commit(9)), (sibling, commit(2)), (BASE, commit(1))], &before, ALL);
    assert_eq!(moves(&again), []);
}

#[test]
fn a_branch_that_a_person_removed_is_not_written_again_for_the_same_candidate() {
    let slug = slug();
    let complete = proven(&slug, Outcome::Candidate);
    let gone = planned(&complete, &[], &[line(CANDIDATE, commit(2))], ALL);
    assert_eq!((moves(&gone), gone.request), (vec![], Request::Issue));
    assert!(gone.notes[0].contains("removed"), "{:?}", gone.notes);
    let newer = planned(&complete, &[], &[line(CANDIDATE, commit(8))], ALL);
    assert_eq!(moves(&newer), [(CANDIDATE, Some(commit(2))), (BASE, Some(commit(1)))]);
}

#[test]
fn every_ref_is_one_of_patch_mois_own() {
    let slug = "v1/x%2F".parse::<TagName>().unwrap().slug();
    for status in [Outcome::Candidate, Outcome::Incomplete] {
        let all = Proven { squashed: Some(commit(3)), partial: Some(commit(4)), ..proven(&slug, status) };
        for plan in planned(&all, &[], &[], ALL).refs {
            let name = plan.name.as_str();
            assert!(
                name.starts_with("refs/heads/patch-moi/") || name.starts_with("refs/patch-moi/"),
                "{name}"
            );
            assert_eq!(
                of_ref(&plan.name).map(|(tag, part)| (tag.slug(), part)),
                Some((slug.clone(), plan.part))
            );
        }
    }
    assert_eq!(of_ref(&name("refs/heads/patch-moi/candidate-x/v1")), None);
    assert_eq!(of_ref(&name("refs/heads/main")), None);
}
