"""`python -m imagehaven` is the command `imagehaven`."""

from imagehaven.cli.main import main

if __name__ == "__main__":
    main()
