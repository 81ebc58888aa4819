"""Sessions: limited in number, and each page's apart from those of other pages."""

from __future__ import annotations

import numpy as np

from .conftest import BinaryAnswer


def test_sessions_are_few_and_those_of_other_pages_stay(service, client, digit):
    mine = BinaryAnswer.of(client.post("/api/forward", content=digit, headers={"x-page": "a"})).header["session"]
    ids = [
        BinaryAnswer.of(client.post("/api/forward", content=digit, headers={"x-page": "b"}, params={"maps": 0})).header[
            "session"
        ]
        for _ in range(30)
    ]
    assert len(set(ids)) == 30 and all(len(id) >= 24 for id in ids)
    assert client.get(f"/api/activations/{ids[0]}/features.0").status_code == 404
    assert client.get(f"/api/activations/{mine}/features.0").status_code == 200
    assert len(service.sessions.by_id) <= 200
    assert np.isfinite(BinaryAnswer.of(client.get(f"/api/activations/{ids[-1]}/features.0")).header["layer"]["high"])
