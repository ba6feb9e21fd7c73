"""``python -m custseg`` is the command."""

from custseg.cli import main

if __name__ == "__main__":
    main()
