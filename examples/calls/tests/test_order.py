def test_an_order_calls_the_others(ffhost_client):
    made = ffhost_client.calls
    answer = ffhost_client.post("/order", json={"item": "tea", "amount": 3})
    assert answer.json() == {"item": "tea", "amount": 3, "cents": 1200, "mailed": True}
    assert [each.name for each in made] == ["price", "stock", "mail"]
    assert {each.caller for each in made} == {"order"}


def test_an_order_without_the_others(ffhost_client):
    ffhost_client.replace("price", {"cents": 1})
    ffhost_client.replace("stock", lambda call: {"left": 99} if "coffee" in call.path else None)
    ffhost_client.replace("mail", (None, 503))
    answer = ffhost_client.post("/order", json={"item": "coffee", "amount": 2})
    assert answer.json() == {"item": "coffee", "amount": 2, "cents": 1, "mailed": False}
