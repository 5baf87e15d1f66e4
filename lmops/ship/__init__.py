"""One model's whole life in a few minutes: a day, chapter by chapter, and the page that tells it.

Its modules:

    day        what all chapters share, and what a chapter tells
    users      people who keep asking, and what they got
    front      where they ask: HAProxy with the replicas behind it, or a service alone
    morning, afternoon, evening
               the chapters; each types the commands that a person would type
    story      the chapters in their order
    pictures, tale
               what was told, as drawings and as a page
"""
