"""The page's own MD5 (static/page/md5.js)."""

from __future__ import annotations

import hashlib
import random

import pytest

from asimov.storage.widgets._module import joined

# RFC 1321, A.5.
SUITE = {
    "": "d41d8cd98f00b204e9800998ecf8427e",
    "a": "0cc175b9c0f1b6a831c399e269772661",
    "abc": "900150983cd24fb0d6963f7d28e17f72",
    "message digest": "f96b697d7cb7938d525a2f31aaf161d0",
    "abcdefghijklmnopqrstuvwxyz": "c3fcd3d76192e4007dfb496cca67e13b",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "d174ab98d277d9f5a5611c2c9f419d9f",
    "1234567890" * 8: "57edf4a22be3c955ac49da2e2107b67a",
}
IN_PIECES = """([content, pieces]) => {
    const bytes = new TextEncoder().encode(content);
    const md5 = new Md5();
    let at = 0;
    for (const size of pieces) { md5.update(bytes.subarray(at, at + size)); md5.hex(); at += size; }
    md5.update(bytes.subarray(at));
    return md5.hex();
}"""
DIGESTER = """async () => {
    const digest = await digester();
    const buffer = new Uint8Array(1000).fill(97).buffer;
    await Promise.all([digest.update(buffer), digest.update(buffer)]);
    const halfway = await digest.hex();
    await digest.update(buffer);
    const found = [halfway, await digest.hex(), buffer.byteLength, digest.inWorker];
    digest.close();
    return found;
}"""


@pytest.fixture
def blank(context):
    """Open a page with nothing but page/md5.js in it, under a given policy."""
    pages = []

    def open_page(policy="default-src * 'unsafe-inline' blob:"):
        page = context.new_page()
        pages.append(page)
        headers = {"content-type": "text/html", "content-security-policy": policy}
        body = f"<!doctype html><title>MD5</title><script>{joined('page/md5')}</script>"
        page.route("**/*", lambda route: route.fulfill(status=200, headers=headers, body=body))
        page.goto("http://127.0.0.1:9/")
        return page

    yield open_page
    for page in pages:
        page.close()


def test_it_passes_the_suite_of_the_rfc(blank):
    """The seven digests of RFC 1321's own test suite are found."""
    page = blank()
    assert {text: page.evaluate(IN_PIECES, [text, []]) for text in SUITE} == SUITE


def test_pieces_of_any_size_give_the_same(blank):
    """However the bytes are cut into pieces, and whatever is asked on the way, the digest is the same."""
    page, chance = blank(), random.Random(1321)
    for size in [*range(50, 70), *range(115, 135), 4096, 100_003]:
        content = "".join(chance.choice("abcdefgh") for _ in range(size))
        pieces = [chance.randint(0, 200) for _ in range(chance.randint(0, 20))]
        assert page.evaluate(IN_PIECES, [content, pieces]) == hashlib.md5(content.encode()).hexdigest(), (size, pieces)


@pytest.mark.parametrize(
    ("policy", "in_worker"),
    [("script-src 'unsafe-inline'; worker-src blob:", True), ("script-src 'unsafe-inline'; worker-src 'none'", False)],
)
def test_it_digests_where_workers_are_refused_too(blank, policy, in_worker):
    """In a Worker, or where the page's policy refuses that, in the page: the same digests, and buffers stay whole."""
    halfway, whole = (hashlib.md5(b"a" * size).hexdigest() for size in (2000, 3000))
    assert blank(policy).evaluate(DIGESTER) == [halfway, whole, 1000, in_worker]
