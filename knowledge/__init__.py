"""The knowledge of the desk: playbooks, precedents, trained models and language.

* ``library``: playbooks and policy, as people wrote them.
* ``memory``: precedents, and the search for similar cases.
* ``learning``: models trained on precedents, for recognition and recommendation.
* ``language``: questions in plain English, and the chat model.

``learning`` uses ``memory``; otherwise the packages do not know each other.
"""
