"""What both ends must agree on: framing, the table of procedures, codecs, errors, URIs and documents.

Pure values and bytes: nothing here opens a socket or starts a thread, or imports the daemon or the client.
"""
