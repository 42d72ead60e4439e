"""What all widgets share (static/page/): the protocol, over a model that answers as told, and numbers with units."""

from __future__ import annotations

import pytest

from asimov.storage.widgets._module import PAGE, joined

# What anywidget gives a page, reduced to what a Link uses: what is sent is kept, and `answer` is what the kernel says.
MODEL = """() => {
    window.sent = [];
    window.happened = [];
    const model = {
        send(content) {
            if (window.gone) throw new Error('Cannot send');
            sent.push(content);
            setTimeout(() => content.kind === 'ping' && window.underWay && reply(content, underWay));
        },
        on(_name, listener) { window.hear = listener; },
        off() { window.hear = () => {}; },
    };
    window.link = new Link(model);
    link.watch((silent) => happened.push(silent ? 'silent' : 'heard'));
    window.reply = ({ view, request }, result) => hear({ view, request, ok: true, result }, []);
    window.ask = (kind) => link.request(kind).then(
        ({ result }) => happened.push(`${kind}: ${result}`),
        (error) => happened.push(`${kind}: ${error.name}`));
}"""
HEARD = "() => hear({ view: null, event: 'hello' }, [])"


@pytest.fixture
def page(browser):
    """Open a page with static/page/ in it, a Link over such a model, and a clock of the test's own."""
    context = browser.new_context()  # its own: a context's pages share one clock, and JupyterLab's must go on
    page = context.new_page()
    page.clock.install(time=0)
    page.goto("about:blank")
    page.clock.pause_at(1000)  # it goes on in run_for alone
    page.add_script_tag(content=joined(*PAGE))
    page.evaluate(MODEL)
    page.evaluate(HEARD)
    yield page
    context.close()


@pytest.fixture
def restored(page):
    """Make the page one that is not yet joined to its kernel: what it sends goes nowhere."""
    page.evaluate(MODEL)
    return page


def kinds(page):
    """List the kinds of what was sent."""
    return page.evaluate("() => sent.map(({ kind }) => kind)")


def happened(page):
    """List what has happened."""
    return page.evaluate("async () => { await Promise.resolve(); return happened; }")


def test_an_answer_reaches_its_question(page):
    """An answer reaches the question of its number and view, and no other."""
    page.evaluate(
        "() => { ask('a'); ask('b'); reply({ view: 'another', request: 1 }, 0); reply(sent[1], 7); reply(sent[0], 8); }"
    )
    assert happened(page) == ["b: 7", "a: 8"]


def test_an_error_is_an_answer(page):
    """An error of the kernel rejects the question with its type."""
    page.evaluate("() => { ask('a'); hear({ ...sent[0], ok: false, error: { type: 'HashError', message: '' } }, []); }")
    assert happened(page) == ["a: HashError"]


def test_silence_is_said_within_five_seconds(page):
    """A kernel that says nothing while something is asked is said within 5 s, and that it is heard again, at once."""
    page.evaluate("() => { ask('a'); }")
    page.clock.run_for(3000)
    assert happened(page) == []
    page.clock.run_for(2000)
    assert happened(page) == ["silent"]
    page.evaluate("() => reply(sent.at(-1), [1])")
    assert happened(page) == ["silent", "heard"]


def test_nobody_is_asked_when_nothing_is(page):
    """While no question is open, the kernel is left alone and never said to be silent."""
    page.evaluate("() => { ask('a'); reply(sent[0], 1); }")
    page.clock.run_for(60_000)
    assert happened(page) == ["a: 1"]
    assert page.evaluate("() => sent.length") == 1


def test_a_slow_answer_is_waited_for(page):
    """A question that the kernel says is under way is waited for, however long it takes."""
    page.evaluate("() => { window.underWay = [1]; ask('slow'); }")
    page.clock.run_for(600_000)
    assert happened(page) == []
    page.evaluate("() => reply(sent[0], 'at last')")
    assert happened(page) == ["slow: at last"]


def test_a_lost_question_is_given_up(page):
    """A question that the kernel neither answers nor knows, while it answers others, was lost, and is rejected."""
    page.evaluate("() => { window.underWay = []; ask('lost'); }")
    page.clock.run_for(4000)
    assert happened(page) == ["lost: LostRequestError"]


def test_a_lost_ping_is_sent_again(page):
    """Where the ping itself is lost, another one finds out that the kernel is there, and that the question was lost."""
    page.evaluate("() => { ask('lost'); }")
    page.clock.run_for(4500)
    assert happened(page) == ["silent"]
    page.evaluate("() => { window.underWay = []; }")
    page.clock.run_for(3000)
    assert happened(page) == ["silent", "heard", "lost: LostRequestError"]


def test_a_busy_kernel_is_not_flooded_with_pings(page):
    """A kernel that is busy for an hour finds a few pings a minute."""
    page.evaluate("() => { ask('a'); }")
    page.clock.run_for(3_600_000)
    assert 100 < page.evaluate("() => sent.length") < 150


def test_what_is_asked_before_the_kernel_is_reached(restored):
    """Questions wait until the kernel is heard, and each goes to it once, in order."""
    restored.evaluate("() => { ask('a'); ask('b'); }")
    restored.clock.run_for(2500)
    assert set(kinds(restored)) == {"ping"}
    restored.evaluate("() => { sent.length = 0; window.underWay = []; }")
    restored.clock.run_for(1000)
    assert kinds(restored) == ["ping", "a", "b"]
    restored.evaluate("() => { reply(sent[1], 1); reply(sent[2], 2); }")
    assert happened(restored) == ["a: 1", "b: 2"]


def test_a_kernel_that_is_never_reached(restored):
    """A page that never reaches its kernel says so, and rejects what is held when it is closed."""
    restored.evaluate("() => { ask('a'); }")
    restored.clock.run_for(5000)
    assert happened(restored) == ["silent"]
    restored.evaluate("() => link.close()")
    assert happened(restored) == ["silent", "a: KernelGone"]


def test_a_closed_comm_rejects_all(page):
    """When nothing can be sent any more, all that is open is rejected, and that is said."""
    page.evaluate("() => { ask('a'); window.gone = true; ask('b'); }")
    assert happened(page) == ["silent", "a: KernelGone", "b: KernelGone"]


def test_a_closed_view_rejects_all(page):
    """When the view goes, what is open is rejected, and nothing is heard or asked any more."""
    page.evaluate("() => { ask('a'); link.close(); ask('b'); }")
    page.clock.run_for(10_000)
    assert sorted(happened(page)) == ["a: KernelGone", "b: KernelGone"]
    assert page.evaluate("() => sent.length") == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("inUnits(0)", "0 B"),
        ("inUnits(999)", "999 B"),
        ("inUnits(1000)", "1.0 KiB"),
        ("inUnits(1023948)", "999.9 KiB"),
        ("inUnits(1023949)", "1.0 MiB"),
        ("inUnits(1030000)", "1.0 MiB"),
        ("inUnits(12897485)", "12.3 MiB"),
        ("inUnits(1023.99 * 2 ** 20)", "1.0 GiB"),
        ("inUnits(2 ** 53)", "8.0 PiB"),
        ("inUnits(2 ** 60)", "1024.0 PiB"),
        ("inTime(0)", "0 s"),
        ("inTime(12.2)", "13 s"),
        ("inTime(250)", "4 min"),
        ("inTime(9000)", "2.5 h"),
    ],
)
def test_numbers_have_units(page, code, words):
    """Bytes and seconds have units that keep them short; of bytes, Python's byte_size has the same table."""
    assert page.evaluate(code) == words


def test_text_is_never_markup(page):
    """What make() is given as text stays text, and an attribute stays an attribute."""
    made = page.evaluate("() => make('p', { title: '\"><b>' }, '<img src=x onerror=alert(1)>').outerHTML")
    assert made == '<p title="&quot;&gt;&lt;b&gt;">&lt;img src=x onerror=alert(1)&gt;</p>'
