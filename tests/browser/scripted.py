"""A page of a widget without kernel: what a model holds is given, what the page asks is kept, and the test answers.

For what a real kernel does too rarely or too fast to be waited for: a message that comes late, one that is lost, a
kernel that falls silent. The page's clock is the test's::

    page = Scripted(browser, "Verifier", _initial={"store": "Test", "about": "All files"})
    page.get_by_role("button", name="Verify").click()
    asked = page.asked("verify/start")          # waits for it: what the page sent
    page.answer(asked, {})                      # or page.fail(asked, "RefusedError", "No.")
    page.change(_shown={...})                   # a trait
    page.tell("some/event", done=1)             # unasked
    page.pass_time(1000)                        # ms
    page.close()
"""

from __future__ import annotations

from asimov.storage.widgets._link.module import FILES, joined, static

# What anywidget gives a page. A ping is answered as long as the kernel is there.
_MODEL = """(traits) => {
    window.traits = traits;
    window.sent = [];
    window.listeners = {};
    window.model = {
        get: (name) => traits[name],
        set: (name, value) => { traits[name] = value; },
        save_changes: () => {},
        on: (name, listener) => (listeners[name] ??= new Set()).add(listener),
        off: (name, listener) => listeners[name]?.delete(listener),
        send(content) {
            sent.push(content);
            if (content.kind !== 'ping' || window.silent) return;
            setTimeout(() => answer(content, { ok: true, result: open() }));
        },
    };
    window.open = () => sent.filter(({ kind, answered }) => kind !== 'ping' && !answered).map(({ request }) => request);
    window.hear = (content) => listeners['msg:custom']?.forEach((listener) => listener(content, content.buffers ?? []));
    window.answer = (asked, reply) => {
        sent.filter(({ request }) => request === asked.request).forEach((content) => (content.answered = true));
        hear({ view: asked.view, request: asked.request, ...reply });
    };
}"""
_MOUNT = """(mount) => {
    const root = make('div', { class: 'asimov-storage asimov-storage-panel' });
    document.body.append(root);
    window.link = new Link(model);
    window.unmount = eval(mount)(link, root, model);
    hear({ view: null, event: 'hello' });
}"""


class Scripted:
    """One widget in a page of its own."""

    def __init__(self, browser, widget, *, width=1280, before="", **traits):
        self._context = browser.new_context(viewport={"width": width, "height": 900})
        self.page = self._context.new_page()
        self.page.clock.install(time=0)
        self.page.goto("about:blank")
        self.page.evaluate(f"() => {{ {before} }}")
        self.page.clock.pause_at(1000)  # it goes on in pass_time alone
        self.page.add_style_tag(content=static("asimov-storage.css"))
        self.page.add_script_tag(content=joined(*FILES[widget]))
        self.page.evaluate(_MODEL, traits)
        self.page.evaluate(_MOUNT, f"mount{widget}")
        self.root = self.page.locator(".asimov-storage-panel")
        self.status = self.root.get_by_role("status")

    def press(self, name):
        """Press a button."""
        self.root.get_by_role("button", name=name, exact=True).click()

    def asked(self, kind):
        """Wait until the page has asked this, and return the first such message that has no answer."""
        find = "(kind) => sent.find((content) => content.kind === kind && !content.answered)"
        return self.page.wait_for_function(find, arg=kind).json_value()

    def answer(self, asked, result=None):
        """Answer what was asked."""
        self.page.evaluate("([asked, result]) => answer(asked, { ok: true, result })", [asked, result])

    def answer_with_bytes(self, asked, count):
        """Answer it with a buffer of so many zeros."""
        reply = "([asked, count]) => answer(asked, { ok: true, result: null, buffers: [new ArrayBuffer(count)] })"
        self.page.evaluate(reply, [asked, count])

    def fail(self, asked, type_, message, **details):
        """Answer it with an error."""
        error = {"type": type_, "message": message, **details}
        self.page.evaluate("([asked, error]) => answer(asked, { ok: false, error })", [asked, error])

    def tell(self, event, **content):
        """Say something unasked."""
        self.page.evaluate("(content) => hear({ view: link.view, ...content })", {"event": event, **content})

    def change(self, **traits):
        """Change traits, and have the page hear of each."""
        self.page.evaluate(
            """(changes) => {
                Object.assign(traits, changes);
                for (const name of Object.keys(changes)) listeners[`change:${name}`]?.forEach((listener) => listener());
            }""",
            traits,
        )

    def pass_time(self, milliseconds):
        """Let time go by in the page."""
        self.page.clock.run_for(milliseconds)

    def fall_silent(self):
        """Let the kernel answer nothing any more."""
        self.page.evaluate("() => { window.silent = true; }")

    def close(self):
        """Close the page."""
        self._context.close()
