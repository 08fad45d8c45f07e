"""Clients: listening sockets, a connection actor for each client, its session, and the streams that it has open.

A connection is made of parts that stand on link.py: connection.py takes packets to calls and answers to packets, each
in the lane in which the client spoke; session_calls.py, event_calls.py and client_streams.py are what a client may ask
of the connection itself. What handlers elsewhere may use of this:

- a row with ``stream`` is answered with a stream's actor as the first field: streams.DescriptorStream for bytes both
  ways, file_streams.Download and Upload for regions of files;
- ``call.take_descriptors()`` gives the descriptors that came with a call, ``call.attach(fd)`` sends one with the
  answer;
- events are published to the driver's log, as wire/table/events.py says.
"""
