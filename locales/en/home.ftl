### App Home.

home-title = Segments
home-intro = Say whom you want to reach, and get the people most likely to respond as a CSV file.
home-requests = *Your last requests*
home-ask = Questions? Ask { $owner }.
