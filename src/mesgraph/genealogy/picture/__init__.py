"""Traces as people look at them: as a tree of text, as a layered picture in a page, as text for Graphviz, as data.

Pure: an answer of the API in, text out, and the same text for the same answer. Words: a *box* is what a picture shows
at one place, an item or many of one kind; a *layer* holds what is equally far from the root, by the longest way.
"""
