"""Speaks to a source by C-FIND, C-GET and C-MOVE (PS3.4 annex C), in the Study Root model.

``proposal`` lays out the association request, ``conversation`` holds one association and its
messages, ``identifier`` the short data sets of questions and answers, ``classes`` what C-GET has
to propose, ``explain`` what refusals mean; ``peer`` joins them.
"""
