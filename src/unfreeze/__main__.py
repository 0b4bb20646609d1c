"""`python -m unfreeze`: the command line where the console script is not on the path."""

from unfreeze.cli.main import main

if __name__ == "__main__":
    main()
