"""What is found over several files: duplicates, references, tracks in circles, policies, templates."""

from __future__ import annotations

import pytest

from tests.support.workspaces import HELLO, Check, CheckFiles, MakeWorkspace


def test_a_folder_without_playbooks_says_so(make_workspace: MakeWorkspace) -> None:
    assert [str(finding) for finding in make_workspace({}).findings] == [
        "playbooks:1:1: error empty-workspace: there are no playbooks here; "
        "put YAML files into a folder playbooks/, or name another workspace"
    ]


def test_an_empty_file_is_a_warning(check: Check) -> None:
    assert check("# later\n") == ["playbooks/p.yaml:1:1: warning empty-file: this file defines nothing"]


def test_the_folder_inside_the_workspace_says_nothing(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(
        {"playbooks/a/b/c.yml": "track: deep\nstages: [{id: a}]\n---\nplaybook: p\nsteps: [{wait: 1d}]\n"}
    )
    assert (list(workspace.tracks), list(workspace.playbooks), workspace.findings) == (["deep"], ["p"], ())


def test_hidden_files_are_left_alone(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(
        {"playbooks/a.yaml": "track: t\nstages: [{id: a}]\n", "playbooks/.b/c.yaml": "{", "templates/.x": ""}
    )
    assert workspace.findings == ()


def test_an_id_is_taken_once_over_all_files(check_files: CheckFiles) -> None:
    book = "playbook: p\nsteps: [{wait: 1d}]\n"
    assert check_files({"playbooks/a.yaml": book, "playbooks/b.yaml": f"# copied\n{book}"}) == [
        'playbooks/b.yaml:2:11: error duplicate-id: the playbook "p" exists already, in playbooks/a.yaml:1; '
        "give one of them another id"
    ]


def test_a_playbook_and_a_track_may_share_an_id(check: Check) -> None:
    assert check("playbook: adoption\nsteps: [{wait: 1d}]\n") == []


def test_a_workspace_has_one_policies_document(check_files: CheckFiles) -> None:
    assert check_files({"playbooks/z.yaml": "policies: other\n"}) == [
        "playbooks/z.yaml:1:11: error duplicate-id: the workspace has policies already, in playbooks/policies.yaml:1; keep one"
    ]


def test_what_refers_to_something_broken_is_not_blamed(check_files: CheckFiles) -> None:
    assert check_files(
        {
            "playbooks/tracks.yaml": "track: adoption\nstages: []\n",
            "templates/hello.md": "---\nsubject: 3\n---\nHello\n",
            "playbooks/p.yaml": "playbook: p\ntopic: tips\nsteps: [{email: hello}, {stage: {adoption: new}}]\n",
        }
    ) == [
        'playbooks/tracks.yaml:2:9: error empty: "stages" must not be empty',
        'templates/hello.md:2:10: error wrong-type: "subject" must be text, not 3; put it into quotes: "3"',
    ]


@pytest.mark.parametrize(
    ("policies", "findings"),
    [
        (
            "timezone: Mars/Olympus",
            ['2:11: error unknown-zone: no time zone "Mars/Olympus"; write one like Europe/Berlin'],
        ),
        (
            "default_sender: hi",
            ['2:17: error unknown-sender: no sender "hi"; there is no sender yet: define one first'],
        ),
        (
            'quiet_hours: {window: "22-06"}\nbusiness_hours: {window: "09:00-09:00"}',
            [
                '2:24: error bad-window: "22-06" is no window; write one like 22:00-06:00',
                '3:27: error bad-window: "09:00-09:00" begins when it ends; the whole day is 00:00-24:00',
            ],
        ),
        (
            'quiet_hours: {window: "00:00-24:00"}',
            [
                "2:1: error no-time-left: these quiet hours never end: no message could leave; "
                "leave out a day, or some hours of each"
            ],
        ),
        ('quiet_hours: {window: "22:00-06:00", days: [sat, sun]}', []),
        (
            "caps: [{messages: 0, per: 7d}, {messages: 1, per: 0d}]",
            ['2:19: error wrong-value: "messages" must be at least 1, not 0'],
        ),
        (
            "caps: [{messages: 1, per: 0d}, {messages: 1, per: 1d, topics: [tipz]}]\n"
            "topics: {tips: {kind: opt_in, name: Tips}}",
            [
                '2:27: error bad-span: "0d" is no time at all: this cap would cap nothing; write one like 1d or 7d',
                '2:64: error unknown-topic: no topic "tipz"; did you mean "tips"?',
            ],
        ),
        (
            'holidays: [QQ, "2026-02-30", DE-BY]',
            [
                '2:12: error unknown-country: no public holidays of "QQ" are known; '
                "write a code like DE, GB or US, or the dates themselves",
                '2:17: error bad-date: "2026-02-30" is no date; write one like 2026-12-25',
            ],
        ),
        (
            "holidays: [christmas]",
            [
                '2:12: error wrong-value: item 1 of "holidays": must be a date like 2026-12-25, or a country\'s code like DE'
            ],
        ),
        (
            "topics:\n  tips: {kind: opt_out, name: Tips, confirm: true}\n"
            "  news: {kind: opt_in, name: News, confirm_template: hello}",
            [
                "3:37: error nothing-to-confirm: nobody needs to say yes to this topic, so there is nothing to confirm; "
                'make it "kind: opt_in", or leave "confirm" out',
                '4:36: warning no-effect: "confirm_template" changes nothing without "confirm: true"; leave it out',
                '4:54: error no-confirm-link: the template "hello" has no {{ confirm_url }}: nobody could confirm',
            ],
        ),
        (
            "topics: {news: {kind: opt_in, name: News, confirm: true, confirm_template: helo}}",
            ['2:76: error unknown-template: no template "helo"; did you mean "hello"?'],
        ),
        (
            'topics: {news: {kind: opt_out, name: News, digest: {at: "9", template: hello}}}',
            [
                '2:58: error bad-time: "9" is no time of day; write one like 09:00 or 17:30',
                '2:72: error bad-template: the template "hello" is Markdown, in which the HTML of messages is only text; '
                "write it as .html or .mjml",
                '2:72: error no-messages: the template "hello" does not name "messages": nobody would see them; '
                "print {{ each.html }} for each of messages",
            ],
        ),
        ("senders: {hello: {email: nobody}}", ['2:26: error bad-address: "nobody" is no email address']),
    ],
)
def test_policies_are_checked(check_files: CheckFiles, policies: str, findings: list[str]) -> None:
    text = f"policies: default\n{policies}\n"
    assert check_files({"playbooks/policies.yaml": text}) == [
        f"playbooks/policies.yaml:{finding}" for finding in findings
    ]


def test_a_message_that_no_sender_is_known_for_is_a_warning(check_files: CheckFiles) -> None:
    book = "playbook: p\ntopic: tips\nsteps: [{email: hello}]\n"
    policies = "policies: default\ntopics: {tips: {kind: opt_out, name: Tips}}\n"
    assert check_files({"playbooks/policies.yaml": policies, "playbooks/p.yaml": book}) == [
        "playbooks/p.yaml:3:10: warning no-sender: this message has no sender; "
        'give the policies a "default_sender", or this step a "from"'
    ]


def test_stages_are_checked(check: Check) -> None:
    track = (
        "track: t\nstages:\n  - id: a\n  - id: a\n    enter: trait.x == 1\n  - id: b\n    end: true\nmin_dwell: 1 day\n"
    )
    assert check(track) == [
        'playbooks/p.yaml:4:9: error duplicate-id: the stage id "a" is taken by an earlier stage of this track; '
        "give one of them another id",
        'playbooks/p.yaml:5:12: error bad-expression: unknown name "trait"; did you mean "traits"?',
        'playbooks/p.yaml:7:5: error missing-key: the end stage "b" needs "enter": without it everybody would be there',
        'playbooks/p.yaml:8:12: error bad-span: "1 day" is no span; write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D',
    ]


def test_tracks_that_read_each_other_in_a_circle_are_refused(check: Check) -> None:
    first = 'track: t\nstages: [{id: a, enter: \'in_stage("u", "a")\'}]\n'
    second = "track: u\nstages: [{id: a, enter: stage.t == 'a'}]\n"
    assert check(f"{first}---\n{second}") == [
        "playbooks/p.yaml:1:8: error circular-tracks: the criteria of these tracks read each other in a circle: t -> u -> t; "
        "let one of them decide without the other",
        "playbooks/p.yaml:4:8: error circular-tracks: the criteria of these tracks read each other in a circle: u -> t -> u; "
        "let one of them decide without the other",
    ]


def test_waiting_for_a_playbook_that_may_wait_for_ever_is_noticed_however_deep(check: Check) -> None:
    found = check(
        "playbook: p\nsteps:\n  - enroll: q\n    wait: true\n  - enroll: q\n---\n"
        "playbook: q\nsteps: [{enroll: r, wait: true}]\n---\n"
        "playbook: r\nsteps: [{id: ask, approve: May they?, then: [{exit: x}]}]\n"
    )
    waits = '"r", which this waits for, may wait at "ask" for ever; give "ask" a time limit, or leave out "wait"'
    assert found == [
        f"playbooks/p.yaml:4:5: warning endless-wait: {waits}",
        f"playbooks/p.yaml:8:21: warning endless-wait: {waits}",
        'playbooks/p.yaml:11:19: warning endless-wait: without "within" this waits as long as the enrollment lives; '
        'add "within: SPAN"',
    ]


TEMPLATES: list[tuple[dict[str, str | bytes], list[str]]] = [
    (
        {"templates/x.md": "Hello\n"},
        ['x.md:1:1: error missing-key: a template needs front matter with "subject"; begin it with ---'],
    ),
    (
        {"templates/x.md": "---\nsubject: a\nHello\n"},
        ["x.md:1:1: error bad-template: the front matter is not closed by a line of ---"],
    ),
    ({"templates/x.md": "---\npreheader: a\n---\n"}, ['x.md:2:1: error missing-key: a front matter needs "subject"']),
    (
        {"templates/x.md": "---\nsubjekt: a\n---\n"},
        ['x.md:2:1: error unknown-key: no key "subjekt" in a front matter; did you mean "subject"?'],
    ),
    (
        {"templates/x.md": "---\nsubject: {{ contact.name }}\n---\n"},
        [
            "x.md:2:11: error bad-key: a key must be a word, not a list or a mapping; "
            "put text that begins with {{ into quotes"
        ],
    ),
    (
        {"templates/x.md": "---\nsubject: a\nlayout: plane\n---\n"},
        ['x.md:3:9: error unknown-layout: no layout "plane"; known: default, none'],
    ),
    (
        {"templates/x.md": "---\nsubject: a\n---\n\n{% if a %}\n"},
        [
            "x.md:5:1: error bad-template: Unexpected end of template. Jinja was looking for the following tags: "
            "'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'"
        ],
    ),
    (
        {"templates/x.mjml": "---\nsubject: a\n---\n<mj-section>\n<mj-colum>\n"},
        ['x.mjml:5:1: error bad-template: MJML has no <mj-colum>; did you mean "mj-column"?'],
    ),
    (
        {"templates/x.css": ""},
        [
            'x.css:1:1: warning no-template: "x.css" is no template and is left out; templates end in .md, .mjml, .html or .txt'
        ],
    ),
    (
        {"templates/a.b.c.md": HELLO},
        [
            "a.b.c.md:1:1: error bad-template-name: a template's name is made of letters, digits, - and _, "
            "with at most one language before the ending; rename it like welcome.md or welcome.pt-BR.md"
        ],
    ),
    (
        {"templates/x.md": HELLO, "templates/x.html": HELLO},
        ["x.md:1:1: error two-bodies: this template exists as md and as html; keep one of them"],
    ),
    (
        {"templates/x.md": HELLO, "templates/x.de.md": "---\nsubject: Hallo\nlayout: none\n---\nHallo\n"},
        ["x.md:2:1: error two-layouts: templates/x.de.md has another layout; choose one for both"],
    ),
    (
        {"templates/layouts/default.de.html": "{{ content }}"},
        [
            "layouts/default.de.html:1:1: error bad-layout: this layout is there for this language only; "
            "add one without a language, for all others"
        ],
    ),
    ({"templates/layouts/default.md": "{{ content }}\n\n[Leave]({{ unsubscribe_url }})\n"}, []),
    (
        {"templates/layouts/default.md": "# Acme\n\n{{ content }\n"},
        ["layouts/default.md:3:1: error bad-template: unexpected '}'"],
    ),
    (
        {"templates/layouts/default.md": "{{ content }}", "templates/layouts/default.html": "{{ content }}"},
        ["layouts/default.md:1:1: error bad-layout: this layout exists as md and as html; keep one of them"],
    ),
    (
        {"templates/x.md": "---\nsubject: Due {{ traits.due | dat }}\n---\nHello\n"},
        ['x.md:2:30: error bad-template: there is no filter "dat"; did you mean "date"?'],
    ),
    (
        {
            "templates/x.de.md": HELLO,
            "templates/x.md": "---\nsubject: a\n---\n\nYou owe {{ traits.sum | money('EURO') }}\n",
        },
        ["x.md:5:25: error bad-template: money wants the code of a currency (ISO 4217), like EUR"],
    ),
    (
        {"templates/x.md": "---\nsubject: a\n---\nHi\n\n[Go]() ![](https://acme.example/a.png)\n"},
        [
            'x.md:6:6: warning broken-link: the link "" leads nowhere; begin it with https://',
            'x.md:6:12: warning no-alt: the image "https://acme.example/a.png" has no alt text; '
            'many read without images; alt="" is for ornaments',
        ],
    ),
    ({"templates/x.md": HELLO, "templates/x.txt": "Hello\n"}, []),
    ({"templates/x.txt": "---\nsubject: a\n---\nHello\n"}, []),
    (
        {"templates/x.md": b"---\nsubject: \xff\n---\n"},
        ["x.md:2:10: error bad-encoding: byte 0xff is not UTF-8; save the file as UTF-8"],
    ),
]


@pytest.mark.parametrize(("files", "findings"), TEMPLATES)
def test_templates_are_checked(check_files: CheckFiles, files: dict[str, str | bytes], findings: list[str]) -> None:
    assert check_files(files) == [f"templates/{finding}" for finding in findings]


def test_a_template_that_uses_a_name_no_message_has_is_found_at_the_step(check_files: CheckFiles) -> None:
    book = "playbook: p\ntopic: tips\nsteps:\n  - email: x\n  - email: x\n    with: {contcat: traits.name}\n"
    assert check_files({"templates/x.md": "---\nsubject: a\n---\n{{ contcat }}\n", "playbooks/p.yaml": book}) == [
        'playbooks/p.yaml:4:12: error unknown-name: the template "x" uses the name "contcat", '
        'which this message does not have; did you mean "contact"?'
    ]


def test_a_layout_of_the_workspace_may_hold_the_way_out(check_files: CheckFiles) -> None:
    book = "playbook: p\ntopic: tips\nsteps: [{email: hello}]\n"
    layout = "{{ content }} <a href='{{ unsubscribe_url }}'>Unsubscribe</a>"
    assert check_files({"templates/layouts/default.html": layout, "playbooks/p.yaml": book}) == []


def test_a_layout_of_the_workspace_without_a_way_out_is_found_at_the_step(check_files: CheckFiles) -> None:
    book = "playbook: p\ntopic: tips\nsteps: [{email: hello}]\n"
    (finding,) = check_files({"templates/layouts/default.html": "{{ content }}", "playbooks/p.yaml": book})
    assert finding.startswith('playbooks/p.yaml:3:17: error no-way-out: the template "hello" has no')


def test_a_layout_without_a_way_out_in_one_language_is_found_at_the_step(check_files: CheckFiles) -> None:
    book = "playbook: p\ntopic: tips\nsteps: [{email: hello}]\n"
    layout = "{{ content }} <a href='{{ unsubscribe_url }}'>Unsubscribe</a>"
    files = {"templates/layouts/default.html": layout, "templates/layouts/default.de.html": "{{ content }}"}
    (finding,) = check_files({**files, "playbooks/p.yaml": book})
    assert finding.startswith('playbooks/p.yaml:3:17: error no-way-out: the template "hello" has no')


LINK = "---\nsubject: Hello\n---\n[Leave]({{ unsubscribe_url }})\n"


@pytest.mark.parametrize("kind", ["transactional: true", "to: owner"])
def test_mail_without_a_topic_that_prints_a_link_to_unsubscribe_is_warned_of(
    check_files: CheckFiles, kind: str
) -> None:
    book = f"playbook: p\nsteps:\n  - {{email: x, {kind}}}\n"
    assert check_files({"templates/x.md": LINK, "playbooks/p.yaml": book}) == [
        'playbooks/p.yaml:3:13: warning no-link-here: the template "x" prints {{ unsubscribe_url }}, which is empty here; '
        "this message is transactional or to the owner: put {% if unsubscribe_url %} around it"
    ]


def test_the_layout_of_mail_without_a_topic_is_looked_at_too(check_files: CheckFiles) -> None:
    book = "playbook: p\nsteps:\n  - {email: hello, transactional: true}\n"
    layout = "{{ content }} <a href='{{ preferences_url }}'>Choose</a>"
    (finding,) = check_files({"templates/layouts/default.html": layout, "playbooks/p.yaml": book})
    assert "prints {{ preferences_url }}" in finding


def test_a_link_that_asks_whether_it_is_there_may_stand_in_any_mail(check_files: CheckFiles) -> None:
    book = "playbook: p\nsteps:\n  - {email: x, transactional: true}\n"
    asking = LINK.replace("[Leave]", "{% if unsubscribe_url %}[Leave]") + "{% endif %}\n"
    assert check_files({"templates/x.md": asking, "playbooks/p.yaml": book}) == []


def test_a_template_keeps_all_its_files_and_its_layout(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(
        {
            "templates/a/x.md": HELLO,
            "templates/a/x.pt-BR.md": HELLO,
            "templates/a/x.txt": "Hello",
            "templates/layouts/default.html": "<b>{{ content }}</b>",
            "templates/layouts/default.txt": "{{ content }}",
        }
    )
    template = workspace.templates["a/x"]
    assert sorted(template.files) == ["md", "pt-BR.md", "txt"]
    assert template.layout == {"html": "<b>{{ content }}</b>", "txt": "{{ content }}"}


def test_a_template_that_wants_no_layout_has_none(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(
        {"templates/x.md": "---\nsubject: a\nlayout: none\n---\n", "templates/layouts/default.html": "{{ content }}"}
    )
    assert workspace.templates["x"].layout is None
