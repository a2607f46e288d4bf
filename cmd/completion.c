/* completion.c - the option tables as completion scripts for bash, zsh and fish.
 *
 * Each script stands on its own: the one for bash needs no helper package. Operands complete to names of files, or to
 * commands where the command's operands say COMMAND; an option's value completes to its choices, or to names of files
 * where its argument says FILE, MODEL or DIR, for MODEL also to the models that are installed, else to nothing. */
#include "cmd/help.h"
#include <string.h>

static bool wants_files(const char *words)
{
    return words && (strstr(words, "FILE") || strstr(words, "MODEL") || strstr(words, "DIR") ||
                     strstr(words, "CORPUS") || strstr(words, "GOLD") || strstr(words, "PRED"));
}

static bool wants_models(const struct option *option)
{
    const char *argument = help_argument(option);
    return argument && !strcmp(argument, "MODEL");
}

static bool wants_commands(const struct command *command)
{
    return strstr(command->operands, "COMMAND") != NULL;
}

static void spaced(FILE *to, const char *choices)
{
    for (; *choices; choices++)
        putc(*choices == '|' ? ' ' : *choices, to);
}

/* Text inside single quotes of a shell; zsh's _arguments also wants brackets and colons escaped, fish only \ and '. */
static void quoted(FILE *to, const char *text, enum shell shell)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs(shell == SHELL_FISH ? "\\'" : "'\\''", to);
        else if (*text == '\\')
            fputs("\\\\", to);
        else if (shell == SHELL_ZSH && strchr("[]:", *text))
            fprintf(to, "\\%c", *text);
        else
            putc(*text, to);
}

static void command_names(FILE *to, const struct command *const *commands)
{
    for (const struct command *const *c = commands; *c; c++)
        fprintf(to, "%s%s", c == commands ? "" : " ", (*c)->name);
}

/* A case pattern: "predict/--format|predict/-f". */
static void bash_pattern(FILE *to, const struct command *command, const struct option *option)
{
    fprintf(to, "    %s/--%s", command->name, option->name);
    if (option->letter)
        fprintf(to, "|%s/-%c", command->name, option->letter);
    fputs(") ", to);
}

static void bash_options(FILE *to, const struct command *command)
{
    fprintf(to, "    %s) words='--help", command->name);
    for (const struct option *o = command->options; option_is_there(o); o++)
        if (o->name)
            fprintf(to, " --%s", o->name);
    fprintf(to, "'; operands=%s ;;\n",
            wants_commands(command)          ? "commands"
            : wants_files(command->operands) ? "files"
                                             : "none");
}

static void bash_script(FILE *to, const struct command *const *commands)
{
    fputs("# bash completion for flairtag, made by 'flairtag help --completion bash'\n"
          "_flairtag() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local command=${COMP_WORDS[1]} words='' operands=none commands='",
          to);
    command_names(to, commands);
    fputs("'\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W \"$commands --help --version\" -- \"$current\"))\n"
          "        return\n"
          "    fi\n"
          "    # '=' is a word of its own in --name=value\n"
          "    if [ \"$current\" = = ]; then\n"
          "        current=''\n"
          "    elif [ \"$before\" = = ]; then\n"
          "        before=${COMP_WORDS[COMP_CWORD-2]}\n"
          "    fi\n"
          "    case $command/$before in\n",
          to);
    for (const struct command *const *c = commands; *c; c++)
        for (const struct option *o = (*c)->options; option_is_there(o); o++) {
            if (!help_argument(o))
                continue;
            bash_pattern(to, *c, o);
            if (o->kind == OPTION_CHOICE) {
                fputs("COMPREPLY=($(compgen -W '", to);
                spaced(to, o->choices);
                fputs("' -- \"$current\")); return ;;\n", to);
            } else if (wants_models(o)) {
                fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -W \"$(flairtag models --names "
                      "2>/dev/null)\" -- \"$current\"; compgen -f -- \"$current\"); return ;;\n",
                      to);
            } else if (wants_files(help_argument(o))) {
                fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return ;;\n", to);
            } else {
                fputs("return ;;\n", to);
            }
        }
    fputs("    esac\n    case $command in\n", to);
    for (const struct command *const *c = commands; *c; c++)
        bash_options(to, *c);
    fputs("    esac\n"
          "    case $current/$operands in\n"
          "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$current\")) ;;\n"
          "    */commands) COMPREPLY=($(compgen -W \"$commands\" -- \"$current\")) ;;\n"
          "    */files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
          "    esac\n"
          "}\n"
          "complete -F _flairtag flairtag\n",
          to);
}

static void zsh_option(FILE *to, const struct option *option)
{
    const char *argument = help_argument(option);
    fputs("        ", to);
    if (option->letter)
        fprintf(to, "'(-%c --%s)'{-%c%s,--%s%s}", option->letter, option->name, option->letter, argument ? "+" : "",
                option->name, argument ? "=" : "");
    else
        fprintf(to, "'--%s%s'", option->name, argument ? "=" : "");
    fputs("'[", to);
    quoted(to, option->help, SHELL_ZSH);
    putc(']', to);
    if (argument) {
        putc(':', to);
        quoted(to, option->kind == OPTION_CHOICE ? option->name : argument, SHELL_ZSH);
        putc(':', to);
        if (option->kind == OPTION_CHOICE) {
            putc('(', to);
            spaced(to, option->choices);
            putc(')', to);
        } else if (wants_models(option)) {
            fputs("_flairtag_models", to);
        } else if (wants_files(argument)) {
            fputs("_files", to);
        }
    }
    fputs("' \\\n", to);
}

static void zsh_script(FILE *to, const struct command *const *commands)
{
    fputs("#compdef flairtag\n"
          "# zsh completion for flairtag, made by 'flairtag help --completion zsh'\n"
          "_flairtag_commands() {\n    local -a commands=(\n",
          to);
    for (const struct command *const *c = commands; *c; c++) {
        fprintf(to, "        '%s:", (*c)->name);
        quoted(to, (*c)->summary, SHELL_ZSH);
        fputs("'\n", to);
    }
    fputs("    )\n"
          "    _describe -t commands command commands\n"
          "}\n"
          "_flairtag_models() {\n"
          "    local -a models=(${(f)\"$(flairtag models --names 2>/dev/null)\"})\n"
          "    _alternative 'models:model:($models)' 'files:file:_files'\n"
          "}\n"
          "_flairtag() {\n"
          "    local curcontext=$curcontext state line\n"
          "    typeset -A opt_args\n"
          "    _arguments -C '(- *)'{-h,--help}'[show help]' '(- *)'{-V,--version}'[show the version]' \\\n"
          "        '1:command:_flairtag_commands' '*::argument:->arguments' && return\n"
          "    [[ $state == arguments ]] || return\n"
          "    case $line[1] in\n",
          to);
    for (const struct command *const *c = commands; *c; c++) {
        fprintf(to, "    %s) _arguments -s -S \\\n", (*c)->name);
        for (const struct option *o = (*c)->options; option_is_there(o); o++)
            if (o->name)
                zsh_option(to, o);
        fputs("        '(- *)'{-h,--help}'[show help]'", to);
        if (wants_commands(*c))
            fputs(" \\\n        '*:command:_flairtag_commands'", to);
        else if (wants_files((*c)->operands))
            fputs(" \\\n        '*:file:_files'", to);
        fputs(" ;;\n", to);
    }
    fputs("    esac\n}\n_flairtag \"$@\"\n", to);
}

static void fish_script(FILE *to, const struct command *const *commands)
{
    fputs("# fish completion for flairtag, made by 'flairtag help --completion fish'\n"
          "complete -c flairtag -f\n"
          "complete -c flairtag -n __fish_use_subcommand -s h -l help -d 'show help'\n"
          "complete -c flairtag -n __fish_use_subcommand -s V -l version -d 'show the version'\n",
          to);
    for (const struct command *const *c = commands; *c; c++) {
        fprintf(to, "complete -c flairtag -n __fish_use_subcommand -a %s -d '", (*c)->name);
        quoted(to, (*c)->summary, SHELL_FISH);
        fputs("'\n", to);
    }
    for (const struct command *const *c = commands; *c; c++) {
        char start[160];
        snprintf(start, sizeof start, "complete -c flairtag -n '__fish_seen_subcommand_from %s'", (*c)->name);
        if (wants_commands(*c)) {
            fprintf(to, "%s -a '", start);
            command_names(to, commands);
            fputs("'\n", to);
        } else if (wants_files((*c)->operands)) {
            fprintf(to, "%s -F\n", start);
        }
        fprintf(to, "%s -s h -l help -d 'show help'\n", start);
        for (const struct option *o = (*c)->options; option_is_there(o); o++) {
            if (!o->name)
                continue;
            fputs(start, to);
            if (o->letter)
                fprintf(to, " -s %c", o->letter);
            fprintf(to, " -l %s", o->name);
            if (o->kind == OPTION_CHOICE) {
                fputs(" -x -a '", to);
                spaced(to, o->choices);
                putc('\'', to);
            } else if (wants_models(o)) {
                fputs(" -r -F -a '(flairtag models --names 2>/dev/null)'", to);
            } else if (wants_files(help_argument(o))) {
                fputs(" -r -F", to);
            } else if (help_argument(o)) {
                fputs(" -x", to);
            }
            fputs(" -d '", to);
            quoted(to, o->help, SHELL_FISH);
            fputs("'\n", to);
        }
    }
}

void completion_write(FILE *to, enum shell shell, const struct command *const *commands)
{
    if (shell == SHELL_BASH)
        bash_script(to, commands);
    else if (shell == SHELL_ZSH)
        zsh_script(to, commands);
    else
        fish_script(to, commands);
}
