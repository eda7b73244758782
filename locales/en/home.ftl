# App Home.
home-title = Segments
home-intro = Describe an audience; the people most likely to convert come back as a CSV, in minutes.
home-requests = *Your last requests*
home-ask = Questions? Ask { $owner }.
